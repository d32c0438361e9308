import uuid
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from lists.widgets import SearchInput
from portal.authority import Principal
from portal.forms import StyledField
from portal.models import Partner
from portal.numbers import WholeNumberField
from subscriptions.models import Billing, Offer, RefusedOrder, Subscription, order_id
from subscriptions.models.offers import OfferQuerySet

from .changes import MpnIdField

# How many offers a page of the catalogue shows; whoever looks for another one narrows the filter.
SHOWN = 50


@dataclass
class CatalogueRow:
    """An offer of the catalogue, with the reason where it can't be chosen now."""

    offer: Offer
    refusal: str = ""


@dataclass
class OrderLine:
    """A chosen offer with its fields: what the subscription is called, how many licenses, …"""

    offer: Offer
    fields: list[forms.BoundField]


class OrderForm(forms.Form):
    """Offers of the catalogue, chosen for a customer, each with the details of its subscription.

    One form holds the filter of the catalogue and all that was chosen, so nothing that was typed gets
    lost while looking for the next offer. ``pressed`` says what becomes of it when a button other than
    the last one is pressed.
    """

    fields: dict[str, Any]
    data: QueryDict
    bound_field_class = StyledField

    key = forms.UUIDField(widget=forms.HiddenInput, required=False)
    q = forms.CharField(label=_("Offer"), required=False, max_length=200, widget=SearchInput)
    publisher = forms.ChoiceField(label=_("Publisher"), required=False)
    category = forms.ChoiceField(label=_("Category"), required=False)
    billing = forms.ChoiceField(
        label=_("Billing"), required=False, choices=[("", _("All")), *Billing.choices]
    )
    FILTERS = ("q", "publisher", "category", "billing")

    def __init__(
        self,
        *args: Any,
        seller: Partner,
        customer: Customer | None = None,
        reseller: Partner | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.seller, self.customer, self.reseller = seller, customer, reseller
        self.fields["key"].initial = uuid.uuid4
        for name in ("publisher", "category"):
            values = Offer.objects.on_sale().exclude(**{name: ""}).values_list(name, flat=True)
            self.fields[name].choices = [
                ("", _("All")),
                *((value, value) for value in sorted(set(values.order_by().distinct()))),
            ]
        self.chosen = self._read_chosen()
        for offer in self.chosen:
            self.fields |= self._fields_of(offer)

    def _read_chosen(self) -> list[Offer]:
        given = self.data.getlist(self.offer_name) if self.is_bound else []
        keys = []
        for text in given:
            try:
                keys.append(uuid.UUID(text))
            except ValueError:
                continue
        found = Offer.objects.on_sale().with_bases().in_bulk(keys)
        return [found[key] for key in dict.fromkeys(keys) if key in found]

    def _fields_of(self, offer: Offer) -> dict[str, forms.Field]:
        fields: dict[str, forms.Field] = {
            "name": forms.CharField(
                label=_("Friendly name"),
                required=False,
                max_length=200,
                help_text=_("Empty: the name of the offer."),
            )
        }
        if offer.is_licensed:
            fields["quantity"] = WholeNumberField(
                label=_("Quantity"),
                min_value=0,
                max_value=2**31 - 1,
                help_text=offer.limits,
                error_messages={"required": _("Enter how many licenses.")},
            )
        if offer.term_months:
            fields["renews"] = forms.BooleanField(label=_("Renews automatically"), required=False)
        if self.seller.is_provider:
            fields["mpn_id"] = MpnIdField(seller=self.seller)
        return {f"{name}-{offer.pk}": made for name, made in fields.items()}

    @property
    def offer_name(self) -> str:
        """The name under which each chosen offer is sent."""
        return self.add_prefix("offer")

    def _name(self, name: str, offer: Offer) -> str:
        return f"{name}-{offer.pk}"

    # The catalogue

    @property
    def filter_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.FILTERS]

    @cached_property
    def holdings(self) -> dict[str, set[uuid.UUID]]:
        if self.customer is None:
            return {"active": set(), "held": set()}
        owned = Subscription.objects.filter(customer=self.customer).sold_by(self.seller)
        key = getattr(self, "cleaned_data", {}).get("key")
        if key:
            # Sent twice, an order is not in its own way.
            owned = owned.exclude(pk__in=[order_id(key, offer) for offer in self.chosen])
        return owned.holdings()

    def _refusal_of(self, offer: Offer) -> ValidationError | None:
        chosen = {one.pk for one in self.chosen}
        return offer.refusal_to(active=self.holdings["active"] | chosen, held=self.holdings["held"])

    @cached_property
    def _matches(self) -> OfferQuerySet:
        filters = {name: self._filter_value(name) for name in self.FILTERS}
        return Offer.objects.on_sale().matching(**filters)

    def _filter_value(self, name: str) -> str:
        if not self.is_bound:
            return ""
        try:
            return self.fields[name].clean(self.data.get(self.add_prefix(name), ""))
        except ValidationError:
            return ""

    @cached_property
    def catalogue(self) -> list[CatalogueRow]:
        """The offers that match the filter, each with the reason where it can't be chosen."""
        rows = []
        for offer in self._matches.with_bases()[:SHOWN]:
            refusal = self._refusal_of(offer)
            if offer in self.chosen:
                rows.append(CatalogueRow(offer, str(_("Chosen below."))))
            else:
                rows.append(CatalogueRow(offer, refusal.messages[0] if refusal else ""))
        return rows

    @cached_property
    def left_out(self) -> int:
        """How many offers match but are not shown."""
        return max(self._matches.count() - SHOWN, 0) if len(self.catalogue) == SHOWN else 0

    # What was chosen

    @cached_property
    def lines(self) -> list[OrderLine]:
        lines = []
        for offer in self.chosen:
            names = [name for name in self.fields if name.endswith(f"-{offer.pk}")]
            lines.append(OrderLine(offer, [self[name] for name in names]))
        return lines

    def pressed(self) -> QueryDict | None:
        """Return the data of the form as the pressed button wants it, or None for the last button.

        *Show* filters the catalogue, *Choose* puts an offer among the chosen ones, *Remove* takes one out.
        """
        data = self.data.copy()
        if "show" in data:
            del data["show"]
            return data
        chosen = [str(offer.pk) for offer in self.chosen]
        if "remove" in data:
            removed = data.pop("remove")
            data.setlist(self.offer_name, [key for key in chosen if key not in removed])
            return data
        if "choose" in data:
            for key in data.pop("choose"):
                offer = self._find(key)
                if offer is not None and str(offer.pk) not in chosen:
                    chosen.append(str(offer.pk))
                    self._prefill(data, offer)
            data.setlist(self.offer_name, chosen)
            return data
        return None

    def _find(self, key: str) -> Offer | None:
        try:
            return Offer.objects.on_sale().with_bases().filter(pk=key).first()
        except ValidationError:
            return None

    def _prefill(self, data: QueryDict, offer: Offer) -> None:
        data[self.add_prefix(self._name("name", offer))] = ""
        data[self.add_prefix(self._name("quantity", offer))] = str(offer.minimum_quantity)
        data[self.add_prefix(self._name("renews", offer))] = "on"
        if self.reseller is not None:
            data[self.add_prefix(self._name("mpn_id", offer))] = self.reseller.mpn_id

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        for offer in self.chosen:
            refusal = self._refusal_of(offer)
            if refusal:
                self.add_line_error(offer, refusal)
            name = self._name("quantity", offer)
            if name in cleaned and (refusal := offer.refusal_of(cleaned[name])):
                self.add_error(name, refusal)
        return cleaned

    def add_line_error(self, offer: Offer, error: ValidationError) -> None:
        """Show what the model refuses of an offer: at its field where the form has it, else above."""
        names = {"quantity": "quantity", "reseller_of_record": "mpn_id", "friendly_name": "name"}
        for field_name, errors in error.update_error_dict({}).items():
            name = self._name(names.get(field_name, ""), offer)
            if name in self.fields:
                self.add_error(name, errors)
                continue
            for message in ValidationError(errors).messages:
                self.add_error(None, f"{offer.label}: {message}")

    @property
    def orders(self) -> list[dict[str, Any]]:
        """What was chosen, as ``Subscription.objects.add_all`` takes it, but for the customer."""
        orders = []
        for offer in self.chosen:

            def value(name: str, default: Any, offer: Offer = offer) -> Any:
                return self.cleaned_data.get(self._name(name, offer), default)

            orders.append(
                {
                    "offer": offer,
                    "friendly_name": value("name", ""),
                    "quantity": value("quantity", None),
                    "auto_renew": value("renews", False),
                    "reseller_of_record": value("mpn_id", None),
                }
            )
        return orders

    def place(self, *, by: Principal) -> list[Subscription] | None:
        """Add what was chosen to the customer. Returns it, or None with the errors at their fields."""
        orders = [{**order, "customer": self.customer} for order in self.orders]
        try:
            return Subscription.objects.add_all(orders, by=by, key=self.cleaned_data["key"])
        except RefusedOrder as refused:
            self.add_line_error(refused.offer, refused)
        except ValidationError as error:
            self.add_error(None, error)
        return None
