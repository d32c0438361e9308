from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

# The EU and EFTA: where the vendor lets partners sell across borders, unless the operator says otherwise.
EU_AND_EFTA = (
    "AT BE BG CH CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
)


class SalesRegionQuerySet(models.QuerySet):
    def have_in_common(self, *countries):
        """Whether business between these countries stays within one sales region (R11)."""
        codes = {str(country) for country in countries}
        if len(codes) == 1:
            return True
        listed = RegionCountry.objects.filter(country__in=codes).values_list("region", flat=True)
        return len(listed) == len(codes) and len(set(listed)) == 1

    def require_common(self, one, other):
        """Raise ``ValidationError`` unless two firms are in the same sales region (R11)."""
        if not self.have_in_common(one.country, other.country):
            raise ValidationError(
                _(
                    "%(one)s (%(one_country)s) and %(other)s (%(other_country)s) are not in the same"
                    " sales region."
                ),
                code="R11",
                params={
                    "one": one,
                    "one_country": one.country.name,
                    "other": other,
                    "other_country": other.country.name,
                },
            )

    def create_default(self):
        """Make the EU and EFTA one region, on an installation that has no region yet."""
        if not self.exists():
            region = self.create(name="EU/EFTA")
            RegionCountry.objects.bulk_create(
                RegionCountry(region=region, country=country) for country in EU_AND_EFTA.split()
            )


class SalesRegion(models.Model):
    """Countries whose firms may do business with each other (R11).

    A country that is in no region is a region of its own.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)

    objects = SalesRegionQuerySet.as_manager()

    class Meta:
        verbose_name = _("sales region")
        verbose_name_plural = _("sales regions")
        ordering = ["name"]

    def __str__(self):
        return self.name


class RegionCountry(models.Model):
    """A country's place in its one sales region."""

    region = models.ForeignKey(
        SalesRegion, models.CASCADE, related_name="countries", verbose_name=_("sales region")
    )
    country = CountryField(
        _("country"),
        unique=True,
        error_messages={"unique": _("This country is in a sales region already.")},
    )

    class Meta:
        verbose_name = _("country of a sales region")
        verbose_name_plural = _("countries of a sales region")
        ordering = ["country"]

    def __str__(self):
        return str(self.country.name)
