import hashlib
import json
import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import DetailView
from formtools.wizard.views import NamedUrlSessionWizardView

from customers.models import Customer
from portal.permissions import Permission
from portal.views import PortalView, ScopedView
from subscriptions.forms import AccountForm, OrderForm, ReviewForm
from subscriptions.models import RefusedOrder, Subscription, add_customer

ACCOUNT, SUBSCRIPTIONS, REVIEW = "account", "subscriptions", "review"


def sells(wizard: "CustomerAddView") -> bool:
    """Whether the user may add subscriptions on the way: resellers sell through their provider."""
    return wizard.partner.may_sell and wizard.user.has_perm(Permission.MANAGE_SUBSCRIPTIONS)


class CustomerAddView(PortalView, NamedUrlSessionWizardView):
    """Add a customer: account → subscriptions → review → done.

    What was typed stands in the session, so it can be left and taken up again, and back and forth lose
    nothing. Every answer is a redirect to the page of a step; the customer is added by the POST of the
    last one, once, however often it is sent.
    """

    permission_required = Permission.ADD_CUSTOMERS
    form_list = [(ACCOUNT, AccountForm), (SUBSCRIPTIONS, OrderForm), (REVIEW, ReviewForm)]
    condition_dict = {SUBSCRIPTIONS: sells}
    labels = {
        ACCOUNT: gettext_lazy("Account"),
        SUBSCRIPTIONS: gettext_lazy("Subscriptions"),
        REVIEW: gettext_lazy("Review"),
    }

    def get_template_names(self) -> list[str]:
        return [f"subscriptions/customer_add_{self.steps.current}.html"]

    def get_form_kwargs(self, step: str | None = None) -> dict[str, Any]:
        if step == ACCOUNT:
            return {"partner": self.partner}
        if step == SUBSCRIPTIONS:
            account = self.get_cleaned_data_for_step(ACCOUNT) or {}
            return {"seller": self.partner, "reseller": account.get("reseller")}
        return {}

    def get_form_initial(self, step: str) -> dict[str, Any]:
        if step == REVIEW:
            return {"key": self.key, "seen": self.seen}
        return super().get_form_initial(step)

    @property
    def key(self) -> str:
        """The id that the customer gets: sent twice, it is the same customer."""
        if "key" not in self.storage.extra_data:
            self.storage.extra_data = {"key": str(uuid.uuid4())}
        return self.storage.extra_data["key"]

    @property
    def seen(self) -> str:
        """A word for what the review shows: another, as soon as something of it is.

        Another window may have changed it, or an offer went off sale.
        """
        typed = [self.storage.get_step_data(step) for step in (ACCOUNT, SUBSCRIPTIONS)]
        offers = [str(order["offer"].pk) for order in self.orders]
        text = json.dumps([offers, *(data and sorted(data.lists()) for data in typed)])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def get(self, request: HttpRequest, *args: Any, step: str = "", **kwargs: Any) -> HttpResponse:
        if step not in self.steps.all:
            left = self.steps.current
            return redirect(self.get_step_url(left if left in self.steps.all else self.steps.first))
        missing = self.first_unfinished(step)
        if missing:
            return redirect(self.get_step_url(missing))
        self.storage.current_step = step
        data = None if step == REVIEW else self.storage.current_step_data
        return self.render(self.get_form(data=data))

    def post(self, request: HttpRequest, *args: Any, step: str = "", **kwargs: Any) -> HttpResponse:
        if step not in self.steps.all or "reset" in request.POST:
            self.storage.reset()
            return redirect(self.get_step_url(self.steps.first))
        self.storage.current_step = step
        wanted = request.POST.get("goto")
        if wanted in self.steps.all:
            # As it was typed so far; it is checked when the step is sent.
            self.keep(step, request.POST)
            return redirect(self.get_step_url(wanted))
        form = self.get_form(data=request.POST)
        if step == SUBSCRIPTIONS:
            pressed = form.pressed()
            if pressed is not None:
                self.keep(step, pressed)
                return redirect(self.get_step_url(step))
        if step == REVIEW:
            return self.finish(form)
        if not form.is_valid():
            return self.render(form)
        self.keep(step, request.POST)
        return redirect(self.get_step_url(self.steps.next))

    def keep(self, step: str, data: QueryDict) -> None:
        """Keep what was typed at a step; the review has nothing to type."""
        if step != REVIEW:
            prefix = f"{step}-"
            self.storage.set_step_data(
                step, {name: values for name, values in data.lists() if name.startswith(prefix)}
            )

    def first_unfinished(self, step: str) -> str | None:
        """Return the first step before ``step`` that is not answered well, or None."""
        for earlier in self.steps.all[: self.steps.all.index(step)]:
            data = self.storage.get_step_data(earlier)
            if data is None or not self.get_form(earlier, data=data).is_valid():
                return earlier
        return None

    def finish(self, form: ReviewForm) -> HttpResponse:
        """Add the customer, and lead on to what was done."""
        key = form.cleaned_data["key"] if form.is_valid() else None
        if self.was_added(key):
            return redirect("new_customer:done", key)
        missing = self.first_unfinished(REVIEW)
        if missing:
            return redirect(self.get_step_url(missing))
        if str(key) != self.key or form.cleaned_data["seen"] != self.seen:
            messages.warning(
                self.request,
                _("Something has changed since you saw this page. Check it again."),
            )
            return redirect(self.get_step_url(REVIEW))
        account = self.get_form(ACCOUNT, data=self.storage.get_step_data(ACCOUNT))
        account.is_valid()
        customer = account.customer
        customer.pk = key
        try:
            add_customer(
                customer,
                email=account.cleaned_data["email"],
                name=account.cleaned_data["contact_name"],
                language=account.cleaned_data["language"],
                reseller=account.cleaned_data.get("reseller"),
                orders=self.orders,
                by=self.user,
            )
        except ValidationError as error:
            if not self.was_added(key):
                return self.refuse(error)
        self.storage.reset()
        return redirect("new_customer:done", key)

    def was_added(self, key: uuid.UUID | None) -> bool:
        if key is None:
            return False
        return Customer.objects.visible_to(self.membership).filter(pk=key).exists()

    def refuse(self, error: ValidationError) -> HttpResponse:
        """Something changed since the step was answered: lead back to it, with what the model says."""
        for message in error.messages:
            messages.error(self.request, message)
        is_order = isinstance(error, RefusedOrder)
        return redirect(self.get_step_url(SUBSCRIPTIONS if is_order else ACCOUNT))

    @cached_property
    def orders(self) -> list[dict[str, Any]]:
        data = SUBSCRIPTIONS in self.steps.all and self.storage.get_step_data(SUBSCRIPTIONS)
        if not data:
            return []
        form = self.get_form(SUBSCRIPTIONS, data=data)
        return form.orders if form.is_valid() else []

    def get_context_data(self, form: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(form=form, **kwargs)
        step = self.steps.current
        context["steps"] = [(name, self.labels[name]) for name in self.steps.all]
        context["step"] = step
        context["behind"] = self.steps.all[: self.steps.step0]
        context["previous"] = self.steps.prev
        context["may_sell"] = self.partner.may_sell
        if step == ACCOUNT and form.is_bound:
            asked = {
                "name": form.data.get(form.add_prefix("name"), ""),
                "email": form.data.get(form.add_prefix("email"), ""),
            }
            context["request_url"] = f"{reverse('relationships:request_new')}?{urlencode(asked)}"
        if step == REVIEW:
            account = self.get_form(ACCOUNT, data=self.storage.get_step_data(ACCOUNT))
            account.is_valid()
            context |= {
                "customer": account.customer,
                "reseller": account.cleaned_data.get("reseller"),
                "language": dict(account.fields["language"].choices)[
                    account.cleaned_data["language"]
                ],
                "orders": self.orders,
            }
        return context


class CustomerAddedView(ScopedView, DetailView):
    """What was done; from here the support contact of each subscription can be chosen."""

    permission_required = Permission.ADD_CUSTOMERS
    model = Customer
    template_name = "subscriptions/customer_added.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = Subscription.objects.visible_to(self.membership).filter(customer=self.object)
        return super().get_context_data(subscriptions=own.with_parties(), **kwargs)
