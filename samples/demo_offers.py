"""The catalogue of the demo: what can be bought there, on which conditions."""

from subscriptions.models import Billing, Offer

MICROSOFT, FJORD = "Microsoft", "Fjord Software"
APPS, SUITES, SECURITY, CLOUD = "Apps", "Office suites", "Security and backup", "Cloud platform"
USAGE = {"billing": Billing.USAGE, "term_months": None}
SMALL_BUSINESS = {"maximum_quantity": 300}

# name: publisher, category, what differs from an offer with boring conditions
OFFERS = {
    "Azure plan": (MICROSOFT, CLOUD, USAGE | {"is_one_per_customer": True}),
    "Dynamics 365 Customer Service": (MICROSOFT, APPS, {}),
    "Dynamics 365 Sales": (MICROSOFT, APPS, {}),
    "Exchange Online (Plan 1)": (MICROSOFT, APPS, {}),
    "Fjord Backup": (FJORD, SECURITY, USAGE),
    "Fjord Endpoint Protection": (
        FJORD,
        SECURITY,
        {"minimum_quantity": 5, "maximum_quantity": 5000},
    ),
    "Microsoft 365 Business Basic": (MICROSOFT, SUITES, SMALL_BUSINESS),
    "Microsoft 365 Business Premium": (MICROSOFT, SUITES, SMALL_BUSINESS),
    "Microsoft 365 E3": (MICROSOFT, SUITES, {}),
    "Microsoft 365 E5": (MICROSOFT, SUITES, {}),
    "Office 365 Business Standard": (MICROSOFT, SUITES, SMALL_BUSINESS),
    "Power BI Pro": (MICROSOFT, APPS, {}),
    "Project Plan 1": (MICROSOFT, APPS, {"is_active": False}),
    "Visio Plan 2": (MICROSOFT, APPS, {}),
}
TRIALS = {
    "Microsoft 365 Business Premium": (
        MICROSOFT,
        SUITES,
        {"maximum_quantity": 25, "is_one_per_customer": True, "term_months": 1},
    ),
}
# name: the same, and the offers that it goes with
ADD_ONS = {
    "Audio Conferencing": (
        MICROSOFT,
        APPS,
        {},
        ["Microsoft 365 E3", "Office 365 Business Standard"],
    ),
    "Defender for Office 365 (Plan 1)": (
        MICROSOFT,
        SECURITY,
        {},
        [
            "Exchange Online (Plan 1)",
            "Microsoft 365 Business Basic",
            "Microsoft 365 E3",
            "Office 365 Business Standard",
        ],
    ),
    "Fjord Archive": (
        FJORD,
        SECURITY,
        {"is_one_per_customer": True},
        ["Fjord Endpoint Protection"],
    ),
}
CONDITIONS = {
    "billing": Billing.LICENSE,
    "minimum_quantity": 1,
    "maximum_quantity": None,
    "term_months": 12,
    "is_one_per_customer": False,
    "is_active": True,
}


def keep_offers(key):
    """Make the catalogue, or bring it back to how it was; ``key(*names)`` gives an offer its id."""
    for name, row in OFFERS.items():
        _keep(key(name), name, *row)
    for name, row in TRIALS.items():
        _keep(key(name, "trial"), name, *row, is_trial=True)
    for name, (*add_on, bases) in ADD_ONS.items():
        _keep(key(name), name, *add_on, is_add_on=True).base_offers.set(key(base) for base in bases)


def _keep(id_, name, publisher, category, conditions, *, is_add_on=False, is_trial=False):
    fields = {
        "name": name,
        "publisher": publisher,
        "category": category,
        "is_add_on": is_add_on,
        "is_trial": is_trial,
    }
    return Offer.objects.update_or_create(id=id_, defaults=fields | CONDITIONS | conditions)[0]
