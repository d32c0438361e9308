from typing import Any, cast

from allauth.core import ratelimit
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from portal.permissions import Permission
from portal.views import PortalView

from .domain_records import hosts_of, record_of
from .models import Customer


class DomainView(PortalView, TemplateView):
    """Whether the customer's domain is proved, and the DNS record by which its admin proves it (R15).

    The button looks the record up, a few times a minute at most: it asks servers of others.
    """

    permission_required = Permission.ANSWER_REQUESTS
    template_name = "customers/domain.html"

    @property
    def customer(self) -> Customer:
        return cast(Customer, self.membership.customer)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if not self.customer.is_domain_proved:
            try:
                self.customer.require_provable()
            except ValidationError as error:
                kwargs["why_not"] = error.messages[0]
        return super().get_context_data(
            customer=self.customer,
            hosts=hosts_of(self.customer.domain),
            record=record_of(self.customer),
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not ratelimit.consume(request, action="check_domain", user=request.user):
            messages.error(request, _("You have checked several times. Try again in a minute."))
            return redirect("customer_domain")
        try:
            self.customer.prove_domain(by=self.user)
        except ValidationError as error:
            messages.error(request, error.messages[0])
        else:
            messages.success(request, _("The record was found: the domain is proved."))
        return redirect("customer_domain")
