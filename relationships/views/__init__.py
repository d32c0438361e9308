"""The pages about who works with whom, seen from the partner and from the customer."""

from .accounts import (
    CustomerAccountView,
    CustomerEditView,
    EndedNoticeView,
    GiveUpDapView,
    RelationshipRemoveView,
    SuspendBlockingView,
)
from .customers import CustomerExportView, CustomerListView
from .invitations import (
    InvitationAcceptView,
    InvitationDeclineView,
    InvitationProveView,
    InvitationRegisterView,
    InvitationRegistrationView,
    InvitationView,
)
from .partnerships import PartnershipEndView, ProviderListView, ResellerInviteView, ResellerListView
from .requests import (
    RequestCreateView,
    RequestDetailView,
    RequestListView,
    RequestRenewView,
    RequestWithdrawView,
)
from .support import PartnerListView, RemoveDapView
from .take_over import RecordTakeOverView, TakeOverView

__all__ = [
    "CustomerAccountView",
    "CustomerEditView",
    "CustomerExportView",
    "CustomerListView",
    "EndedNoticeView",
    "GiveUpDapView",
    "InvitationAcceptView",
    "InvitationDeclineView",
    "InvitationProveView",
    "InvitationRegisterView",
    "InvitationRegistrationView",
    "InvitationView",
    "PartnerListView",
    "PartnershipEndView",
    "ProviderListView",
    "RecordTakeOverView",
    "RelationshipRemoveView",
    "RemoveDapView",
    "RequestCreateView",
    "RequestDetailView",
    "RequestListView",
    "RequestRenewView",
    "RequestWithdrawView",
    "ResellerInviteView",
    "ResellerListView",
    "SuspendBlockingView",
    "TakeOverView",
]
