from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.formats import localize
from django.utils.translation import gettext_lazy as _

from lists.widgets import ListSelect
from portal.forms import SearchForm, StyledField
from portal.models import Partner
from portal.tables.reading import read_table

from ..models import MOST_ROWS, BulkOutcome, partner_and_resellers

# More than 50,000 lines of our longest export have, also as “Unicode Text”, which takes twice the bytes.
MOST_BYTES = 50_000_000
ACCEPTED = (
    ".csv",
    ".tsv",
    ".txt",
    ".xlsx",
    "text/csv",
    "text/tab-separated-values",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
NO_CHOICE = _("This partner can't be the support contact. Choose one of the list.")

# The exports of subscriptions have them too.
COLUMNS = {
    "Subscription ID": _("Subscription ID"),
    "MPN ID of the contact": _("MPN ID of the contact"),
}


class BulkContactForm(forms.Form):
    """The one contact for all chosen subscriptions: the own company or one of its resellers."""

    bound_field_class = StyledField

    contact = forms.UUIDField(
        label=_("Support contact"),
        error_messages={"required": _("Choose a partner."), "invalid": NO_CHOICE},
    )

    def __init__(self, *args: Any, partner: Partner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.partner = partner

    def clean_contact(self) -> Partner:
        found = (
            partner_and_resellers(self.partner.pk).filter(pk=self.cleaned_data["contact"]).first()
        )
        if found is None:
            raise forms.ValidationError(NO_CHOICE, code="invalid")
        return found


class BulkFileForm(forms.Form):
    """A table, as CSV or XLSX, that names subscriptions and the contact of each."""

    bound_field_class = StyledField

    file = forms.FileField(
        label=_("File"),
        max_length=200,
        error_messages={"empty": _("The file is empty.")},
        widget=forms.FileInput(attrs={"accept": ",".join(ACCEPTED)}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = _(
            "XLSX, or CSV with commas, semicolons or tabs, in UTF-8 or as “Unicode Text”. At most %(rows)s"
            " rows and %(size)s MB."
        ) % {"rows": localize(MOST_ROWS), "size": localize(MOST_BYTES // 1_000_000)}

    def clean_file(self) -> UploadedFile:
        file = self.cleaned_data["file"]
        rows = read_table(file, COLUMNS, max_bytes=MOST_BYTES, max_rows=MOST_ROWS)
        subscription, contact = COLUMNS
        self.lines = [(row.line, row.cells[subscription], row.cells[contact]) for row in rows]
        return file


class OutcomeForm(SearchForm):
    """Which rows of a preview or a result to show."""

    outcome = forms.ChoiceField(label=_("Outcome"), required=False, widget=ListSelect)

    def __init__(
        self,
        *args: Any,
        counts: Mapping[BulkOutcome, int],
        labels: Mapping[BulkOutcome, str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["q"]
        self.fields["outcome"].choices = [
            ("", _("All")),
            *((outcome.value, f"{labels[outcome]} ({counts[outcome]})") for outcome in counts),
        ]
