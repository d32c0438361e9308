from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal.forms import EditForm
from portal.models import Partner
from relationships.models import Partnership
from subscriptions.models import Subscription


class MpnIdField(forms.CharField):
    """A reseller of record, typed as its MPN ID (S4); the value is the partner, or None.

    Found are the resellers that work with ``seller``, and ``current``, the one that is on record already.
    That there are others with an MPN ID is not told (T1).
    """

    def __init__(self, *, seller: Partner, current: Partner | None = None, **kwargs: Any) -> None:
        self.seller, self.current = seller, current
        super().__init__(
            label=_("Reseller of record (MPN ID)"),
            required=False,
            max_length=20,
            help_text=_(
                "Of an indirect reseller that your company works with: 4 to 10 digits. Empty for none."
            ),
            **kwargs,
        )
        if current is not None:
            self.initial = current.mpn_id
        self.widget.attrs |= {"inputmode": "numeric", "autocomplete": "off"}

    def clean(self, value: Any) -> Partner | None:
        mpn_id = super().clean(value)
        if not mpn_id:
            return None
        if self.current is not None and mpn_id == self.current.mpn_id:
            return self.current
        reseller = Partnership.objects.find_reseller(self.seller, mpn_id)
        if reseller is None:
            raise ValidationError(
                _("No indirect reseller that your company works with has this MPN ID."),
                code="unknown",
            )
        return reseller


class SubscriptionForm(EditForm):
    """What the seller changes of a subscription: its name, quantity, renewal and reseller of record."""

    model_field_names = {"reseller_of_record": "mpn_id"}

    class Meta:
        model = Subscription
        fields = ["friendly_name", "quantity", "auto_renew"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        subscription = self.instance
        if subscription.quantity is None:
            del self.fields["quantity"]
        elif not subscription.is_active:
            self.fields["quantity"].disabled = True
            self.fields["quantity"].help_text = _(
                "The quantity can't be changed while the subscription is suspended."
            )
        else:
            self.fields["quantity"].required = True
            self.fields["quantity"].help_text = subscription.offer.limits
            self.fields["quantity"].error_messages["required"] = _("Enter how many licenses.")
        if subscription.renews_on is None:
            del self.fields["auto_renew"]
        if subscription.seller.is_provider:
            self.fields["mpn_id"] = MpnIdField(
                seller=subscription.seller, current=subscription.reseller_of_record
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "mpn_id" in cleaned:
            self.instance.reseller_of_record = cleaned["mpn_id"]
        return cleaned
