"""How tests act in Django admin, and what the operator reads there."""

from django.contrib.messages import get_messages
from django.urls import reverse

# What the operator fills in to add a partner, and an offer.
NEULAND = {
    "name": "Neuland IT",
    "type": "reseller",
    "mpn_id": "5200999",
    "country": "DE",
    "support_email": "support@neuland.example",
    "support_phone": "+49 40 5550999",
    "support_languages": ["de", "en"],
}
PLANNER = {
    "name": "Planner",
    "publisher": "Microsoft",
    "billing": "license",
    "minimum_quantity": "1",
    "is_active": "on",
}


def page(model, name, *args):
    """Where Django admin has this page of a model: ``changelist``, ``add``, ``change``."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def add(client, model, **data):
    return client.post(page(model, "add"), data)


def change(client, row, **data):
    """Open the page of a row, and send what its form holds with some of it changed."""
    path = page(type(row), "change", row.pk)
    form = client.get(path).context["adminform"].form
    sent = {}
    for name, field in form.fields.items():
        held = form.get_initial_for_field(field, name)
        sent[name] = data.pop(name, held)
        if field.show_hidden_initial:
            sent[form.add_initial_prefix(name)] = held
    sent |= data
    return client.post(
        path, {name: value for name, value in sent.items() if value not in (None, False)}
    )


def errors(answer):
    """What the operator reads on the form that was not accepted, by field."""
    assert answer.status_code == 200
    return dict(answer.context["adminform"].form.errors)


def refusals(answer):
    """What the operator reads above the page where the act itself was refused."""
    assert answer.status_code == 302
    return [str(message) for message in get_messages(answer.wsgi_request)]


def act(client, model, action, *rows):
    """Choose rows and an act, and answer the question where it asks one."""
    return client.post(
        page(model, "changelist"),
        {"action": action, "_selected_action": [str(row.pk) for row in rows], "post": "yes"},
    )


def countries_form(region, **rows):
    """What the page of a region sends: its name, and its countries in the rows of a table."""
    sent = {"name": region.name}
    kept = list(region.countries.order_by("country"))
    for number, row in enumerate(kept):
        sent |= {
            f"countries-{number}-id": row.pk,
            f"countries-{number}-region": region.pk,
            f"countries-{number}-country": str(row.country),
        }
        if str(row.country) in rows.get("without", ()):
            sent[f"countries-{number}-DELETE"] = "on"
    added = rows.get("and_also", [])
    for number, country in enumerate(added, len(kept)):
        sent |= {f"countries-{number}-country": country, f"countries-{number}-region": region.pk}
    return sent | {
        "countries-TOTAL_FORMS": len(kept) + len(added),
        "countries-INITIAL_FORMS": len(kept),
    }
