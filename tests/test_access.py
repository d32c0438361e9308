"""Who gets what where: every path of the project, for everyone, in one table.

A path without a row fails. So does a page that shows anyone another tenant's rows.
"""

import re
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.views import View

from customers.models import Customer
from portal.authority import PORTAL
from portal.models import Action, Membership, Notice, Partner, User
from portal.permissions import Permission, Role
from portal.views import PortalView
from relationships.models import Relationship, RelationshipRequest, RequestKind
from subscriptions.models import BulkAssignment, Subscription
from tests.factories import (
    CustomerFactory,
    MembershipFactory,
    PartnerFactory,
    PartnershipFactory,
    RelationshipFactory,
    SubscriptionFactory,
)
from tests.pages import behind, own_routes, routes, signed_in

APPS = ("portal", "customers", "relationships", "subscriptions")

# The columns of the table: one person for each role, and those outside. What they ask
# for belongs to Nordlicht and its customer Backhaus Petersen.
PEOPLE = {
    "global": "global@nordlicht.example",
    "agent": "agent@nordlicht.example",
    "sales": "sales@nordlicht.example",
    "helpdesk": "helpdesk@nordlicht.example",
    "users": "users@nordlicht.example",
    "customer": "admin@petersen.example",
    "operator": "operator@portal.example",
    "nobody": None,
    # Other tenants: another provider, a direct-bill partner, a reseller of Nordlicht that does not
    # know this customer, another customer.
    "suedwind": "global@suedwind.example",
    "brandt": "global@brandt.example",
    "hafen": "global@hafen.example",
    "albers": "admin@albers.example",
}
FORM = "application/x-www-form-urlencoded"
IN = "sign-in"  # sent to the sign-in, and from there back
GO = 302  # sent on
BACK = "back"  # sent to the page of the personal link
NO = 405  # no such method here

# fmt: off
TABLE = {
    # method, name                       glob agt sal hlp usr cus  op  nob süd bra haf alb
    ("GET",  "home"):                   ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("POST", "home"):                   ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  IN,  NO,  NO,  NO,  NO),
    # The way in and out. What changes how someone signs in wants a fresh sign-in, else a confirmation.
    ("GET",  "account_login"):          ( GO,  GO,  GO,  GO,  GO,  GO,  GO, 200,  GO,  GO,  GO,  GO),
    ("POST", "account_login"):          ( GO,  GO,  GO,  GO,  GO,  GO,  GO, 200,  GO,  GO,  GO,  GO),
    ("GET",  "account_logout"):         ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO),
    ("POST", "account_logout"):         ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO),
    ("GET",  "account_reauthenticate"): (200, 200, 200, 200, 200, 200, 200,  IN, 200, 200, 200, 200),
    ("POST", "account_reauthenticate"): (200, 200, 200, 200, 200, 200, 200,  IN, 200, 200, 200, 200),
    ("GET",  "account_change_password"):
                                        (200, 200, 200, 200, 200, 200, 200,  IN, 200, 200, 200, 200),
    ("POST", "account_change_password"):
                                        (200, 200, 200, 200, 200, 200, 200,  IN, 200, 200, 200, 200),
    ("GET",  "account_set_password"):   ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("POST", "account_set_password"):   ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("GET",  "account_reset_password"): (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "account_reset_password"): ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO),
    ("GET",  "account_reset_password_done"):
                                        (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "account_reset_password_done"):
                                        ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO),
    ("GET",  "account_reset_password_from_key"):
                                        (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "account_reset_password_from_key"):
                                        (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("GET",  "account_reset_password_from_key_done"):
                                        (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "account_reset_password_from_key_done"):
                                        ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO),
    ("GET",  "mfa_index"):              (200, 200, 200, 200, 200, 200, 200,  IN, 200, 200, 200, 200),
    ("POST", "mfa_index"):              ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  IN,  NO,  NO,  NO,  NO),
    ("GET",  "mfa_authenticate"):       ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO),
    ("POST", "mfa_authenticate"):       ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO),
    ("GET",  "mfa_reauthenticate"):     ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("POST", "mfa_reauthenticate"):     ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("GET",  "mfa_activate_totp"):      ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("POST", "mfa_activate_totp"):      ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("GET",  "mfa_deactivate_totp"):    (404, 404, 404, 404, 404, 404, 404,  IN, 404, 404, 404, 404),
    ("POST", "mfa_deactivate_totp"):    (404, 404, 404, 404, 404, 404, 404,  IN, 404, 404, 404, 404),
    ("GET",  "mfa_view_recovery_codes"):
                                        (404, 404, 404, 404, 404, 404, 404,  IN, 404, 404, 404, 404),
    ("POST", "mfa_view_recovery_codes"):
                                        ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  IN,  NO,  NO,  NO,  NO),
    ("GET",  "mfa_generate_recovery_codes"):
                                        ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("POST", "mfa_generate_recovery_codes"):
                                        ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("GET",  "mfa_download_recovery_codes"):
                                        (404, 404, 404, 404, 404, 404, 404,  IN, 404, 404, 404, 404),
    ("POST", "mfa_download_recovery_codes"):
                                        (404, 404, 404, 404, 404, 404, 404,  IN, 404, 404, 404, 404),
    ("GET",  "mfa_list_webauthn"):      (200, 200, 200, 200, 200, 200, 200,  IN, 200, 200, 200, 200),
    ("POST", "mfa_list_webauthn"):      ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  IN,  NO,  NO,  NO,  NO),
    ("GET",  "mfa_add_webauthn"):       ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("POST", "mfa_add_webauthn"):       ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("GET",  "mfa_login_webauthn"):     ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO),
    ("POST", "mfa_login_webauthn"):     ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO),
    ("GET",  "mfa_reauthenticate_webauthn"):
                                        ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("POST", "mfa_reauthenticate_webauthn"):
                                        ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("GET",  "mfa_edit_webauthn"):      ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("POST", "mfa_edit_webauthn"):      ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("GET",  "mfa_remove_webauthn"):    ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("POST", "mfa_remove_webauthn"):    ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("GET",  "usersessions_list"):      (200, 200, 200, 200, 200, 200, 200,  IN, 200, 200, 200, 200),
    ("POST", "usersessions_list"):      ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("GET",  "sessions_end"):           (200, 200, 200, 200, 200, 200, 200,  IN, 200, 200, 200, 200),
    ("POST", "sessions_end"):           ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  IN,  NO,  NO,  NO,  NO),
    # Of an identity that is not linked to the own account.
    ("GET",  "identity_unlink"):        (404, 404, 404, 404, 404, 404, 404,  IN, 404, 404, 404, 404),
    ("POST", "identity_unlink"):        ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  IN,  NO,  NO,  NO,  NO),
    ("GET",  "socialaccount_connections"):
                                        (200, 200, 200, 200, 200, 200, 200,  IN, 200, 200, 200, 200),
    ("POST", "socialaccount_connections"):
                                        (200, 200, 200, 200, 200, 200, 200,  IN, 200, 200, 200, 200),
    ("GET",  "socialaccount_login_cancelled"):
                                        (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "socialaccount_login_cancelled"):
                                        ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO),
    ("GET",  "openid_connect_login"):   (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "openid_connect_login"):   (502, 502, 502, 502, 502, 502, 502, 502, 502, 502, 502, 502),
    ("GET",  "openid_connect_callback"):
                                        (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    ("POST", "openid_connect_callback"):
                                        (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    ("GET",  "address"):                (200, 200, 200, 200, 200, 200, 403,  IN, 200, 200, 200, 200),
    ("POST", "address"):                ( GO,  GO,  GO,  GO,  GO,  GO, 403,  IN,  GO,  GO,  GO,  GO),
    # The link is of one person's mail, here the Global admin's.
    ("GET",  "address_confirm"):        (200, 403, 403, 403, 403, 403, 403,  IN, 403, 403, 403, 403),
    ("POST", "address_confirm"):        ( GO, 403, 403, 403, 403, 403, 403,  IN, 403, 403, 403, 403),
    ("GET",  "set_language"):           ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO),
    ("POST", "set_language"):           ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO),
    ("GET",  "set_theme"):              ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO),
    ("POST", "set_theme"):              ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO),
    ("GET",  "words"):                  (200, 200, 200, 200, 200, 200, 403,  IN, 200, 200, 200, 200),
    ("POST", "words"):                  ( NO,  NO,  NO,  NO,  NO,  NO, 403,  IN,  NO,  NO,  NO,  NO),
    # Offered to the scripts of who has picked no zone.
    ("GET",  "set_time_zone"):          (204, 204, 204, 204, 204, 204, 204,  IN, 204, 204, 204, 204),
    ("POST", "set_time_zone"):          ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  IN,  GO,  GO,  GO,  GO),
    ("GET",  "profile"):                (200, 200, 200, 200, 200, 200, 403,  IN, 200, 200, 200, 200),
    ("POST", "profile"):                ( GO,  GO,  GO,  GO,  GO,  GO, 403,  IN,  GO,  GO,  GO,  GO),
    ("GET",  "customers:list"):         (200, 200, 200, 200, 403, 403, 403,  IN, 200, 200, 200, 403),
    ("POST", "customers:list"):         ( NO,  NO,  NO,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "customers:export"):       (200, 200, 403, 403, 403, 403, 403,  IN, 200, 200, 200, 403),
    ("POST", "customers:export"):       ( NO,  NO, 403, 403, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "coverage:list"):          (200, 200, 200, 200, 403, 403, 403,  IN, 200, 200, 200, 403),
    ("POST", "coverage:list"):          (200, 200, 403, 200, 403, 403, 403,  IN, 200, 200, 200, 403),
    ("GET",  "coverage:export"):        (200, 200, 403, 403, 403, 403, 403,  IN, 200, 200, 200, 403),
    ("POST", "coverage:export"):        ( NO,  NO, 403, 403, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "coverage:partnership"):   (200, 200, 200, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "coverage:partnership"):   ( NO,  NO,  NO,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "coverage:partnership_export"):
                                        (200, 200, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "coverage:partnership_export"):
                                        ( NO,  NO, 403, 403, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "coverage:relationship"):  (200, 200, 200, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "coverage:relationship"):  ( NO,  NO,  NO,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "coverage:relationship_export"):
                                        (200, 200, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "coverage:relationship_export"):
                                        ( NO,  NO, 403, 403, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "coverage:assign"):        ( NO,  NO, 403,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("POST", "coverage:assign"):        ( GO,  GO, 403,  GO, 403, 403, 403,  IN,  GO,  GO,  GO, 403),
    ("GET",  "coverage:file"):          (200, 200, 403, 200, 403, 403, 403,  IN, 200, 200, 200, 403),
    ("POST", "coverage:file"):          (200, 200, 403, 200, 403, 403, 403,  IN, 200, 200, 200, 403),
    # A preview is for who made it, here a Helpdesk agent; colleagues read the log.
    ("GET",  "coverage:bulk"):          (404, 404, 403, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "coverage:bulk"):          ( NO,  NO, 403,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "coverage:bulk_export"):   (404, 404, 403, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "coverage:bulk_export"):   ( NO,  NO, 403,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "coverage:contact"):       (404, 404, 403, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "coverage:contact"):       (404, 404, 403,  GO, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "coverage:submit"):        ( NO,  NO, 403,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("POST", "coverage:submit"):        (404, 404, 403, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "subscriptions:list"):     (200, 200, 200, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "subscriptions:list"):     ( NO,  NO,  NO,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "new_customer:start"):     ( GO,  GO,  GO, 403, 403, 403, 403,  IN,  GO,  GO,  GO, 403),
    ("POST", "new_customer:start"):     ( GO,  GO,  GO, 403, 403, 403, 403,  IN,  GO,  GO,  GO, 403),
    ("GET",  "new_customer:step"):      (200, 200, 200, 403, 403, 403, 403,  IN, 200, 200, 200, 403),
    ("POST", "new_customer:step"):      ( GO,  GO,  GO, 403, 403, 403, 403,  IN,  GO,  GO,  GO, 403),
    ("GET",  "new_customer:done"):      (200, 200, 200, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "new_customer:done"):      ( NO,  NO,  NO, 403, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "subscriptions:export"):   (200, 200, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "subscriptions:export"):   ( NO,  NO, 403, 403, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    # Resellers sell through their provider.
    ("GET",  "subscriptions:add"):      (200, 200, 200, 200, 403, 403, 403,  IN, 404, 404, 403, 403),
    ("POST", "subscriptions:add"):      ( GO,  GO,  GO,  GO, 403, 403, 403,  IN, 404, 404, 403, 403),
    ("GET",  "subscriptions:edit"):     (200, 200, 200, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "subscriptions:edit"):     ( GO,  GO,  GO,  GO, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "subscriptions:detail"):   (200, 200, 200, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "subscriptions:detail"):   ( GO,  GO, 403,  GO, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "subscriptions:review"):   (200, 200, 200, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "subscriptions:review"):   ( NO,  NO,  NO,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "subscriptions:history"):  (200, 200, 200, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "subscriptions:history"):  ( NO,  NO,  NO,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "subscriptions:history_export"):
                                        (200, 200, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "subscriptions:history_export"):
                                        ( NO,  NO, 403, 403, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "support:list"):           (403, 403, 403, 403, 403, 200, 403,  IN, 403, 403, 403, 200),
    ("POST", "support:list"):           (403, 403, 403, 403, 403,  NO, 403,  IN, 403, 403, 403,  NO),
    ("GET",  "support:vcard"):          (403, 403, 403, 403, 403, 200, 403,  IN, 403, 403, 403, 404),
    ("POST", "support:vcard"):          (403, 403, 403, 403, 403,  NO, 403,  IN, 403, 403, 403,  NO),
    ("GET",  "support:history"):        (403, 403, 403, 403, 403, 200, 403,  IN, 403, 403, 403, 404),
    ("POST", "support:history"):        (403, 403, 403, 403, 403,  NO, 403,  IN, 403, 403, 403,  NO),
    ("GET",  "support:relationship"):   (403, 403, 403, 403, 403, 200, 403,  IN, 403, 403, 403, 404),
    ("POST", "support:relationship"):   (403, 403, 403, 403, 403,  NO, 403,  IN, 403, 403, 403,  NO),
    ("GET",  "support:relationship_export"):
                                        (403, 403, 403, 403, 403, 200, 403,  IN, 403, 403, 403, 404),
    ("POST", "support:relationship_export"):
                                        (403, 403, 403, 403, 403,  NO, 403,  IN, 403, 403, 403,  NO),
    ("GET",  "account:detail"):         (200, 200, 200, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "account:detail"):         ( NO,  NO,  NO,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "account:edit"):           (200, 200, 200, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "account:edit"):           ( GO,  GO,  GO,  GO, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "account:give_up_dap"):    (200, 200, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "account:give_up_dap"):    ( GO,  GO, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "account:suspend"):        (200, 200, 200, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "account:suspend"):        ( GO,  GO,  GO,  GO, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "account:remove"):         (200, 403, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "account:remove"):         ( GO, 403, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "relationships:requests"): (200, 200, 200, 200, 403, 403, 403,  IN, 200, 200, 200, 403),
    ("POST", "relationships:requests"): ( NO,  NO,  NO,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("GET",  "relationships:request_new"):
                                        (200, 200, 200, 403, 403, 403, 403,  IN, 200, 200, 200, 403),
    ("POST", "relationships:request_new"):
                                        ( GO,  GO,  GO, 403, 403, 403, 403,  IN,  GO,  GO,  GO, 403),
    ("GET",  "relationships:request"):  (200, 200, 200, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "relationships:request"):  ( GO,  GO, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "relationships:request_renew"):
                                        ( NO,  NO,  NO,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("POST", "relationships:request_renew"):
                                        ( GO,  GO, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "relationships:request_withdraw"):
                                        (200, 200, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "relationships:request_withdraw"):
                                        ( GO,  GO, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "relationships:resellers"):
                                        (200, 200, 200, 200, 403, 403, 403,  IN, 200, 403, 403, 403),
    ("POST", "relationships:resellers"):
                                        ( NO,  NO,  NO,  NO, 403, 403, 403,  IN,  NO, 403, 403, 403),
    ("GET",  "relationships:reseller_invite"):
                                        (200, 200, 200, 403, 403, 403, 403,  IN, 200, 403, 403, 403),
    ("POST", "relationships:reseller_invite"):
                                        ( GO,  GO,  GO, 403, 403, 403, 403,  IN,  GO, 403, 403, 403),
    ("GET",  "relationships:providers"):
                                        (403, 403, 403, 403, 403, 403, 403,  IN, 403, 403, 200, 403),
    ("POST", "relationships:providers"):
                                        (403, 403, 403, 403, 403, 403, 403,  IN, 403, 403,  NO, 403),
    ("GET",  "relationships:partnership_end"):
                                        (200, 403, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "relationships:partnership_end"):
                                        ( GO, 403, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "relationships:notice"):   (200, 403, 403, 403, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "relationships:notice"):   ( NO, 403, 403, 403, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    # The link itself is the permission to read; who may not answer is led back to the page that says so.
    ("GET",  "invitations:detail"):     (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "invitations:detail"):     ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO),
    ("GET",  "invitations:accept"):     (BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK),
    ("POST", "invitations:accept"):     (BACK,BACK,BACK,BACK,BACK,  GO,BACK,BACK,BACK,BACK,BACK,BACK),
    ("GET",  "invitations:decline"):    (BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK),
    ("POST", "invitations:decline"):    (BACK,BACK,BACK,BACK,BACK,  GO,BACK,BACK,BACK,BACK,BACK,BACK),
    ("GET",  "invitations:register"):   (BACK,BACK,BACK,BACK,BACK,BACK,BACK, 200,BACK,BACK,BACK,BACK),
    ("POST", "invitations:register"):   (BACK,BACK,BACK,BACK,BACK,BACK,BACK, 200,BACK,BACK,BACK,BACK),
    ("GET",  "invitations:registration"):
                                        (BACK,BACK,BACK,BACK,BACK,BACK,BACK, 200,BACK,BACK,BACK,BACK),
    ("POST", "invitations:registration"):
                                        (BACK,BACK,BACK,BACK,BACK,BACK,BACK,  GO,BACK,BACK,BACK,BACK),
    ("GET",  "invitations:prove"):      (BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK),
    ("POST", "invitations:prove"):      (BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK,BACK),
    ("GET",  "support_partners:list"):  (403, 403, 403, 403, 403, 200, 403,  IN, 403, 403, 403, 200),
    ("POST", "support_partners:list"):  (403, 403, 403, 403, 403,  NO, 403,  IN, 403, 403, 403,  NO),
    ("GET",  "support_partners:remove_dap"):
                                        (403, 403, 403, 403, 403, 200, 403,  IN, 403, 403, 403, 404),
    ("POST", "support_partners:remove_dap"):
                                        (403, 403, 403, 403, 403,  GO, 403,  IN, 403, 403, 403, 404),
    ("GET",  "take_over:own"):          (403, 403, 403, 403, 403,  GO, 403,  IN, 403, 403, 403,  GO),
    ("POST", "take_over:own"):          (403, 403, 403, 403, 403,  GO, 403,  IN, 403, 403, 403,  GO),
    ("GET",  "take_over:record"):       (403, 403, 403, 403, 403, 200, 403,  IN, 403, 403, 403, 404),
    ("POST", "take_over:record"):       (403, 403, 403, 403, 403, 200, 403,  IN, 403, 403, 403, 404),
    ("GET",  "customer_domain"):        (403, 403, 403, 403, 403, 200, 403,  IN, 403, 403, 403, 200),
    ("POST", "customer_domain"):        (403, 403, 403, 403, 403,  GO, 403,  IN, 403, 403, 403,  GO),
    ("GET",  "subscriptions:suspend"):  (200, 200, 200, 200, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("POST", "subscriptions:suspend"):  ( GO,  GO,  GO,  GO, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "subscriptions:reactivate"):
                                        ( NO,  NO,  NO,  NO, 403, 403, 403,  IN,  NO,  NO,  NO, 403),
    ("POST", "subscriptions:reactivate"):
                                        ( GO,  GO,  GO,  GO, 403, 403, 403,  IN, 404, 404, 404, 403),
    ("GET",  "activity"):               (200, 200, 200, 200, 200, 200, 403,  IN, 200, 200, 200, 200),
    ("POST", "activity"):               ( NO,  NO,  NO,  NO,  NO,  NO, 403,  IN,  NO,  NO,  NO,  NO),
    ("GET",  "activity_export"):        (200, 200, 200, 200, 200, 200, 403,  IN, 200, 200, 200, 200),
    ("POST", "activity_export"):        ( NO,  NO,  NO,  NO,  NO,  NO, 403,  IN,  NO,  NO,  NO,  NO),
    ("GET",  "company"):                (200, 403, 403, 403, 403, 403, 403,  IN, 200, 200, 200, 403),
    ("POST", "company"):                (200, 403, 403, 403, 403, 403, 403,  IN, 200, 200, 200, 403),
    ("GET",  "users:list"):             (200, 403, 403, 403, 200, 200, 403,  IN, 200, 200, 200, 200),
    ("POST", "users:list"):             ( NO, 403, 403, 403,  NO,  NO, 403,  IN,  NO,  NO,  NO,  NO),
    ("GET",  "users:invite"):           (200, 403, 403, 403, 200, 200, 403,  IN, 200, 200, 200, 200),
    ("POST", "users:invite"):           ( GO, 403, 403, 403,  GO, 200, 403,  IN,  GO,  GO,  GO, 200),
    ("GET",  "users:detail"):           (200, 403, 403, 403, 200, 404, 403,  IN, 404, 404, 404, 404),
    ("POST", "users:detail"):           ( GO, 403, 403, 403,  GO, 404, 403,  IN, 404, 404, 404, 404),
    ("GET",  "users:deactivate"):       (200, 403, 403, 403, 200, 404, 403,  IN, 404, 404, 404, 404),
    ("POST", "users:deactivate"):       ( GO, 403, 403, 403,  GO, 404, 403,  IN, 404, 404, 404, 404),
    ("GET",  "users:reactivate"):       ( NO, 403, 403, 403,  NO,  NO, 403,  IN,  NO,  NO,  NO,  NO),
    ("POST", "users:reactivate"):       ( GO, 403, 403, 403,  GO, 404, 403,  IN, 404, 404, 404, 404),
    ("GET",  "users:invite_again"):     ( NO, 403, 403, 403,  NO,  NO, 403,  IN,  NO,  NO,  NO,  NO),
    ("POST", "users:invite_again"):     ( GO, 403, 403, 403,  GO, 404, 403,  IN, 404, 404, 404, 404),
    # The link itself is the permission; whoever opens it becomes the invited user.
    ("GET",  "user_invitation"):        (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "user_invitation"):        ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO),
    ("GET",  "user_invitation_renew"):  ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO),
    ("POST", "user_invitation_renew"):  ( GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO,  GO),
    ("GET",  "user_invitation_provider"):
                                        ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO),
    ("POST", "user_invitation_provider"):
                                        (502, 502, 502, 502, 502, 502, 502, 502, 502, 502, 502, 502),
    ("GET",  "notices"):                (200, 200, 200, 200, 200, 200, 403,  IN, 200, 200, 200, 200),
    ("POST", "notices"):                ( NO,  NO,  NO,  NO,  NO,  NO, 403,  IN,  NO,  NO,  NO,  NO),
    ("GET",  "notice"):                 (200, 200, 200, 200, 200, 404, 403,  IN, 404, 404, 404, 404),
    ("POST", "notice"):                 ( NO,  NO,  NO,  NO,  NO,  NO, 403,  IN,  NO,  NO,  NO,  NO),
    ("GET",  "dismiss_notice"):         ( NO,  NO,  NO,  NO,  NO,  NO, 403,  IN,  NO,  NO,  NO,  NO),
    ("POST", "dismiss_notice"):         ( GO,  GO,  GO,  GO,  GO, 404, 403,  IN, 404, 404, 404, 404),
    ("GET",  "dismiss_notices"):        ( NO,  NO,  NO,  NO,  NO,  NO, 403,  IN,  NO,  NO,  NO,  NO),
    ("POST", "dismiss_notices"):        ( GO,  GO,  GO,  GO,  GO,  GO, 403,  IN,  GO,  GO,  GO,  GO),
    ("GET",  "healthz"):                (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "healthz"):                ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO),
    ("GET",  "readyz"):                 (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "readyz"):                 ( NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO),
}
# fmt: on

# What anyone may ask for without being signed in, and why.
OPEN_TO_EVERYONE = {
    "account_login": "the way in",
    "account_logout": "the way out, also of a sign-in half done",
    "account_reset_password": "who has forgotten the password can't sign in",
    "account_reset_password_done": "who has forgotten the password can't sign in",
    "account_reset_password_from_key": "the link in the mail is the permission",
    "account_reset_password_from_key_done": "who has forgotten the password can't sign in",
    "mfa_authenticate": "the second step of the way in",
    "mfa_login_webauthn": "the way in, by passkey",
    "openid_connect_login": "the way in, by an identity provider",
    "openid_connect_callback": "the way in, by an identity provider",
    "socialaccount_login_cancelled": "the way in, by an identity provider",
    "set_language": "the sign-in can be read in either language",
    "set_theme": "the sign-in can be read in either colours",
    "invitations:detail": "the personal link is the permission to read the request",
    "invitations:accept": "who may not answer is led back to the page of the link",
    "invitations:decline": "who may not answer is led back to the page of the link",
    "invitations:register": "a customer that is new has no account yet",
    "invitations:registration": "a customer that is new has no account yet",
    "invitations:prove": "who may not answer is led back to the page of the link",
    "user_invitation": "an invited user has no password yet",
    "user_invitation_renew": "an invited user has no password yet",
    "user_invitation_provider": "an invited user has no account that could be signed in",
    "healthz": "monitoring has no account",
    "readyz": "monitoring has no account",
    "admin:login": "the operators' way in",
}
# Views that state no permission, and why.
NEEDS_NO_PERMISSION = {
    "RowsView": "Django admin's, which lets in operators alone",
    "HomeView": "sends everyone to the page that is theirs",
    "SignInView": "the way in",
    "SignOutView": "the way out, for everyone who is in",
    **dict.fromkeys(
        ["PasswordResetView", "PasswordResetDoneView"],
        "who has forgotten the password can't sign in",
    ),
    **dict.fromkeys(
        ["PasswordResetFromKeyView", "PasswordResetFromKeyDoneView"],
        "the link in the mail is the permission",
    ),
    **dict.fromkeys(
        ["AuthenticateView", "LoginWebAuthnView"], "the way in, by a second factor or a passkey"
    ),
    **dict.fromkeys(
        ["ProviderSignInView", "ProviderReturnView", "LoginCancelledView"],
        "the way in, by an identity provider",
    ),
    **dict.fromkeys(
        [
            "AppAddView",
            "AppRemoveView",
            "DownloadRecoveryCodesView",
            "EditWebAuthnView",
            "GenerateRecoveryCodesView",
            "IdentitiesView",
            "IdentityUnlinkView",
            "IndexView",
            "ListWebAuthnView",
            "PasskeyAddView",
            "PasskeyConfirmView",
            "PasskeyRemoveView",
            "PasswordChangeView",
            "PasswordSetView",
            "ReauthenticateView",
            "SessionsEndView",
            "SessionsView",
            "ViewRecoveryCodesView",
        ],
        "how someone signs in is everyone's own",
    ),
    "SetLanguageView": "the language is everyone's own",
    "SetThemeView": "the colours are everyone's own",
    "SetTimeZoneView": "the time zone is everyone's own",
    "UserInvitationView": "the personal link is the permission to set a password",
    "UserInvitationProviderView": "the personal link is the permission to link an identity",
    "UserInvitationRenewView": "it mails a link to the invited address, and shows nothing",
    "InvitationView": "the personal link is the permission to read",
    "InvitationAnswerView": "the model asks who may answer for the organisation",
    "InvitationAcceptView": "the model asks who may answer for the organisation",
    "InvitationDeclineView": "the model asks who may answer for the organisation",
    "InvitationProveView": "it mails a link to the address that was asked, and shows nothing",
    "InvitationRegistrationView": "the link in the mail is the permission to register",
    "InvitationRegisterView": "the personal link is the permission to register",
}

ADMIN = {name: path for name, path, view in routes() if path.startswith("admin/")}
VIEWS = own_routes()


def test_every_path_has_its_rows_in_the_table():
    assert set(TABLE) == {(method, name) for name in VIEWS for method in ("GET", "POST")}


def test_the_table_has_a_column_for_every_role(demo):
    partner_roles = {
        role
        for email in PEOPLE.values()
        if email and hasattr(user := demo.user(email), "membership")
        for role in user.membership.roles
    }
    assert partner_roles == set(Role)
    assert all(len(row) == len(PEOPLE) for row in TABLE.values())


@pytest.fixture
def asked(demo):
    """``asked(**fields)``: an open request, with DAP, of Nordlicht's Global admin."""

    def ask(**fields):
        return RelationshipRequest.objects.ask(
            by=demo.user("global@nordlicht.example"),
            **{
                "recipient_name": "Backhaus Petersen",
                "recipient_email": "admin@petersen.example",
                "language": "de",
                **fields,
            },
        )

    return ask


@pytest.fixture
def keys(demo, asked):
    """``keys(name)``: the keys of the path, for what belongs to Nordlicht and Backhaus Petersen."""
    petersen = demo.customer("Backhaus Petersen")
    own = demo.relationship("Backhaus Petersen", "Nordlicht Distribution")

    def of(name):
        if name.startswith("user_invitation"):
            new = Membership.objects.invite(
                demo.partner("Nordlicht Distribution"),
                email="new@nordlicht.example",
                name="New",
                roles=[Role.SALES_AGENT],
                by=demo.user("global@nordlicht.example"),
            )
            provider = {"provider_id": "contoso"} if name == "user_invitation_provider" else {}
            return {"token": new.user.invitation_path.split("/")[-2], **provider}
        if name.startswith("users:") and name not in ("users:list", "users:invite"):
            return {"pk": demo.user("sales@nordlicht.example").pk}
        if name.startswith("openid_connect"):
            return {"provider_id": "contoso"}
        if name == "address_confirm":
            path = demo.user("global@nordlicht.example").confirmation_path("info@nordlicht.example")
            return {"token": path.split("/")[-2]}
        if name == "account_reset_password_from_key":
            return {"uidb36": demo.user("agent@nordlicht.example").pk.hex, "key": "wrong"}
        if name in ("mfa_edit_webauthn", "mfa_remove_webauthn", "identity_unlink"):
            return {"pk": 1}
        if name == "support_partners:remove_dap" or ":relationship" in name:
            return {"pk": own.pk}
        if name == "take_over:record":
            record = CustomerFactory(domain=petersen.domain)
            RelationshipFactory(customer=record, partner=own.partner)
            return {"pk": record.pk}
        if name in ("notice", "dismiss_notice"):
            partner = demo.partner("Nordlicht Distribution")
            made = Notice.objects.create(partner=partner, action=Action.PARTNERSHIP_ENDED)
            return {"uuid": made.uuid}
        if name == "relationships:notice":
            petersen.subscriptions.update(status="suspended", suspended_at=timezone.now())
            own.end(by=PORTAL)
            return {"pk": own.pk}
        if name == "relationships:partnership_end" or name.startswith("coverage:partnership"):
            return {"pk": demo.partnership("Nordlicht Distribution", "Elbe Support").pk}
        if name in ("invitations:register", "invitations:registration"):
            new = asked(recipient_name="New", recipient_email="anna@new.example")
            proof = new.registration_path("anna@new.example").split("/")[-2]
            return {"token": new.token} | ({"proof": proof} if name.endswith("ation") else {})
        if name.startswith(("relationships:request", "invitations:")) and name not in (
            "relationships:requests",
            "relationships:request_new",
        ):
            own.remove_dap(by=PORTAL)
            made = asked()
            assert made.customer == petersen
            return {"token": made.token} if name.startswith("invitations:") else {"pk": made.pk}
        if name.startswith("new_customer:"):
            last = name.partition(":")[2]
            return {"start": {}, "step": {"step": "account"}, "done": {"pk": petersen.pk}}[last]
        if name in ("coverage:bulk", "coverage:bulk_export", "coverage:contact", "coverage:submit"):
            helpdesk = demo.user("helpdesk@nordlicht.example")
            made = BulkAssignment.objects.start(petersen.subscriptions.all(), by=helpdesk)
            made.choose(demo.partner("Elbe Support"), by=helpdesk)
            return {"pk": made.pk}
        if name.startswith("account:"):
            return {"customer_id": petersen.pk}
        if name.startswith(("subscriptions:", "support:")) and name != "support:list":
            exchange = petersen.subscriptions.get(friendly_name="Exchange Online (Plan 1)")
            elbe = demo.partner("Elbe Support")
            exchange.designate(elbe, by=demo.user("global@nordlicht.example"))
            if name.startswith("support:"):
                return {"pk": elbe.pk if name == "support:vcard" else exchange.pk}
            about_all = ("subscriptions:add", "subscriptions:export", "subscriptions:list")
            here = {} if name in about_all else {"pk": exchange.pk}
            return {"customer_id": petersen.pk, **here}
        return {}

    return of


@pytest.fixture
def sent(demo):
    """``sent(name)``: what is posted there."""
    firm = {"recipient_name": "New", "recipient_email": "anna@new.example", "language": "de"}
    return {
        "account_login": {"username": "nobody@nowhere.example", "password": "wrong"},
        "account_reset_password": {"email": "agent@nordlicht.example"},
        "set_language": {"language": "de"},
        "profile": {"name": "Someone", "language": ""},
        "subscriptions:detail": {"support_contact": str(demo.partner("Elbe Support").pk)},
        "users:invite": {"email": "x@new.example", "name": "New", "roles": "sales"},
        "users:detail": {"roles": "agent"},
        "user_invitation": {"password1": "barrel-of-apples", "password2": "barrel-of-apples"},
        "account:edit": {"name": "Backhaus Petersen", "city": "Flensburg"},
        "coverage:assign": {"all": "1"},
        "coverage:contact": {"contact": str(demo.partner("Elbe Support").pk)},
        "account:suspend": {"all": "1"},
        "new_customer:step": {
            "account-name": "New",
            "account-domain": "new.example",
            "account-country": "DE",
            "account-contact_name": "Anna New",
            "account-email": "anna@new.example",
            "account-language": "de",
        },
        "subscriptions:add": {
            "offer": str(demo.offer("Power BI Pro").pk),
            f"quantity-{demo.offer('Power BI Pro').pk}": "3",
        },
        "subscriptions:edit": {"friendly_name": "Mail", "quantity": "5"},
        "relationships:request_new": firm,
        "relationships:reseller_invite": firm,
        "relationships:request": {"subject": "Hello", "text": "Please accept."},
        "invitations:accept": {"agrees": "on"},
        "invitations:decline": {"reason": "No need"},
        "invitations:register": {"email": "anna@new.example"},
        "invitations:registration": {
            "name": "New",
            "domain": "new.example",
            "country": "DE",
            "contact_name": "Anna New",
            "password1": "barrel-of-apples",
            "password2": "barrel-of-apples",
            "agrees": "on",
        },
    }


@pytest.mark.parametrize(("method", "name"), TABLE)
def test_T1_T2_everyone_gets_what_the_table_says(demo, keys, sent, method, name):
    found = keys(name)
    path = reverse(name, kwargs=found)
    encoded = urlencode(sent.get(name, {})) if method == "POST" else ""
    is_link = name.startswith("invitations:")
    back = reverse("invitations:detail", args=[found["token"]]) if is_link else None
    got = {}
    for column, email in PEOPLE.items():
        browser = signed_in(email) if email else Client()
        # What the one before has done is undone, so that each finds the same.
        with transaction.atomic():
            answer = browser.generic(method, path, encoded, content_type=FORM)
            transaction.set_rollback(True)
        got[column] = answer.status_code
        if answer.status_code == 302 and answer.url == f"/accounts/login/?next={path}":
            got[column] = IN
        elif answer.status_code == 302 and answer.url == back:
            got[column] = BACK
    assert got == dict(zip(PEOPLE, TABLE[method, name], strict=True))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("column", PEOPLE)
def test_only_operators_enter_django_admin(demo, method, column):
    assert "admin:index" in ADMIN
    browser = signed_in(PEOPLE[column]) if PEOPLE[column] else Client()
    entered = set()
    for name, path in ADMIN.items():
        if name in ("admin:login", "admin:logout"):
            continue
        address = "/" + re.sub(r"<(\w+:)?\w+>|\(\?P<url>.*", "1", path)
        answer = browser.get(address) if method == "GET" else browser.post(address)
        if answer.status_code != 302 or "/login/?next=" not in answer.url:
            entered.add(name)
    assert bool(entered) == (column == "operator"), entered


def test_the_operator_can_open_every_list_in_django_admin(demo):
    browser = signed_in(PEOPLE["operator"])
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            name = f"admin:{app}_{model._meta.model_name}_changelist"
            assert browser.get(reverse(name)).status_code == 200


# Closed by default


def test_only_these_paths_are_open_to_everyone():
    views = {name: view for name, path, view in routes()}
    unprotected = {
        name for name, view in views.items() if not getattr(view, "login_required", True)
    }
    assert unprotected == set(OPEN_TO_EVERYONE)
    assert "django.contrib.auth.middleware.LoginRequiredMiddleware" in settings.MIDDLEWARE


def test_a_view_that_is_imported_late_is_open_where_the_one_behind_it_is():
    late = {name: view for name, path, view in routes() if behind(view) is not view}
    assert {"mfa_index", "mfa_authenticate", "mfa_login_webauthn"} <= set(late)
    for name, view in late.items():
        is_closed = getattr(behind(view), "login_required", True)
        assert getattr(view, "login_required", True) == is_closed, name


def own_view_classes():
    """Every view class of our apps, whether it has a path or not; a mixin is none by itself."""
    found, waiting = set(), [View]
    while waiting:
        for view in waiting.pop().__subclasses__():
            waiting.append(view)
            if view.__module__.partition(".")[0] in APPS and not view.__name__.endswith("Mixin"):
                found.add(view)
    return found


def test_every_view_states_the_permission_it_needs():
    routed = {view.view_class for view in VIEWS.values() if hasattr(view, "view_class")}
    bases = {
        "ActView",
        "AskedActView",
        "EndOfRightView",
        "ExportView",
        "FilteredView",
        "ProviderView",
        "EditView",
        "OwnRelationshipActView",
        "PartnershipListView",
        "CompiledListView",
        "ListQueryView",
        "RequestActView",
        "ScopedListView",
        "SecondFactorView",
        "StreamedActView",
        "SubscriptionPageView",
    }
    checked = {view for view in routed | own_view_classes() if view.__name__ not in bases}
    silent = set()
    for view in checked:
        if not issubclass(view, PortalView):
            # A mixin is of no page by itself.
            if not view.__name__.endswith("Mixin"):
                silent.add(view.__name__)
            continue
        stated = view.permission_required
        assert stated == () or stated in Permission, f"{view.__name__} states {stated!r}"
    assert silent == set(NEEDS_NO_PERMISSION)


def test_every_function_as_a_view_is_a_probe():
    functions = {name for name, view in VIEWS.items() if not hasattr(view, "view_class")}
    assert functions == {"healthz", "readyz"}


def test_a_view_without_a_permission_stops_the_start():
    class Forgetful(PortalView, View):
        pass

    with pytest.raises(Exception, match="Forgetful states no permission_required"):
        Forgetful.as_view()


# What templates ask for


def permissions_asked_for(template):
    return set(re.findall(r"\bperms\.(\w+\.\w+)", template)) | {
        f"{app}.*" for app in re.findall(r"\bperms\.(\w+)(?![\w.])", template)
    }


def test_the_scan_of_templates_finds_what_they_ask_for():
    asked = permissions_asked_for("{% if perms.portal.fly and not perms.customers %}{% endif %}")
    assert asked == {"portal.fly", "customers.*"}


def test_templates_ask_only_for_permissions_that_exist():
    folders = [settings.BASE_DIR / "templates", *settings.BASE_DIR.glob("*/templates")]
    templates = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(templates) > 10
    for path in templates:
        unknown = permissions_asked_for(path.read_text()) - set(Permission.values)
        assert not unknown, f"{path} asks for {unknown}"


# The canary: a tenant of its own, near everything, that nobody of the demo may see


class Links(HTMLParser):
    """Where a page leads to within the portal."""

    def __init__(self, source):
        super().__init__()
        self.found = set()
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        target = dict(attrs).get("href") if tag == "a" else None
        if target and target.startswith("/"):
            self.found.add(target)


def put_canary(demo):
    """Firms named CANARY close to those of the demo."""
    nordlicht, hafen = demo.partner("Nordlicht Distribution"), demo.partner("Hafen IT")
    albers = demo.customer("Reederei Albers")

    provider = PartnerFactory(name="CANARY Nordlicht", support_hours="CANARY hours")
    reseller = PartnerFactory(name="CANARY Hafen IT", reseller=True)
    direct = PartnerFactory(name="CANARY Direkt", direct=True)
    boss = MembershipFactory(
        partner=provider, user__email="global@canary.example", user__name="CANARY Person"
    ).user
    PartnershipFactory(provider=provider, reseller=reseller)

    # A customer like Reederei Albers, and Reederei Albers itself, which has several partners.
    customer = CustomerFactory(name="CANARY Reederei Albers", domain="canary-albers.example")
    MembershipFactory(customer=customer, user__name="CANARY Customer")
    for owner in (customer, albers):
        for partner in (provider, reseller, direct):
            RelationshipFactory(partner=partner, customer=owner)
        for offer in ("Office 365 Business Standard", "Visio Plan 2"):
            subscription = SubscriptionFactory(
                customer=owner,
                offer=demo.offer(offer),
                friendly_name=f"CANARY {offer}",
                seller=provider,
                reseller_of_record=reseller,
            )
            subscription.designate(reseller, by=boss)
    SubscriptionFactory(customer=customer, friendly_name="CANARY Visio Plan 2", seller=None)

    made = BulkAssignment.objects.start(customer.subscriptions.all(), by=boss)
    made.choose(reseller, by=boss)

    # What once was Nordlicht's or Hafen's, and is no more.
    former = CustomerFactory(name="CANARY Backhaus", domain="canary-backhaus.example")
    for partner in (nordlicht, hafen):
        RelationshipFactory(partner=partner, customer=former).end(by=PORTAL)
    left = PartnerFactory(name="CANARY Elbe Support", reseller=True)
    PartnershipFactory(provider=nordlicht, reseller=left).end(by=PORTAL)

    # What CANARY asked for: of a customer of its own, of Nordlicht's customer and of its reseller.
    RelationshipRequest.objects.ask(
        by=MembershipFactory(partner=left).user,
        recipient_name="CANARY Albers",
        recipient_email="admin@albers.example",
        language="de",
        text="CANARY text",
    )
    RelationshipRequest.objects.ask(
        by=boss,
        recipient_name="CANARY Werft",
        recipient_email="admin@canary-werft.example",
        language="de",
    )
    RelationshipRequest.objects.ask(
        by=boss,
        kind=RequestKind.RESELLER,
        with_dap=False,
        recipient_name="CANARY Elbe",
        recipient_email="global@elbe.example",
        language="de",
    )
    RelationshipFactory(partner=left, customer=albers)
    # First pages tell of what ended, until it is dismissed; then it is read among all notices.
    newest = Notice.objects.order_by("-pk").values("pk")[:1]
    User.objects.update(notices_dismissed=newest)
    return {"boss": boss}


@pytest.fixture
def canary(demo, stage):
    """Firms named CANARY close to those of the demo; gives the Global admin of their provider."""
    return stage(put_canary, demo)["boss"]


def everything(browser):
    """Every address that someone could try: what links lead to, and the paths of all rows."""
    waiting = {
        "/",
        "/customers/?q=office",
        "/customers/?q=canar",
        "/customers/?q=albers",
        "/support/?q=canar",
        "/support/?q=office",
        "/support/?print=1",
        "/activity/",
        "/subscriptions/",
        "/subscriptions/?q=canar",
        "/subscriptions/?sort=-since&count=all",
        "/subscriptions/export/",
        "/subscriptions/assign/file/",
        "/relationships/requests/?q=canar",
        "/relationships/requests/?q=albers",
        "/relationships/requests/new/",
        "/relationships/resellers/",
        "/relationships/resellers/invite/",
        "/relationships/providers/",
        "/support/partners/",
        "/notices/",
        "/customers/add/",
        "/customers/add/account/",
        "/settings/users/",
        "/settings/users/?q=canar",
        "/settings/users/invite/",
    }
    for partner in Partner.objects.all():
        waiting.add(reverse("support:vcard", args=[partner.pk]))
    for user in User.objects.all():
        waiting.add(reverse("users:detail", args=[user.pk]))
    for made in RelationshipRequest.objects.all():
        waiting.add(reverse("relationships:request", args=[made.pk]))
    for made in BulkAssignment.objects.all():
        for name in ("bulk", "bulk_export", "contact"):
            waiting.add(reverse(f"coverage:{name}", args=[made.pk]))
    for notice in Notice.objects.all():
        waiting.add(notice.get_absolute_url())
    for relationship in Relationship.objects.all():
        waiting.add(reverse("relationships:notice", args=[relationship.pk]))
    for customer in Customer.objects.all():
        waiting.add(reverse("subscriptions:list", args=[customer.pk]))
        waiting.add(reverse("account:detail", args=[customer.pk]))
        waiting.add(f"/relationships/requests/new/?customer={customer.pk}")
        waiting.add(reverse("subscriptions:list", args=[customer.pk]) + "?q=office")
        waiting.add(reverse("new_customer:done", args=[customer.pk]))
        for name in ("subscriptions:add", "subscriptions:export", "account:edit"):
            waiting.add(reverse(name, args=[customer.pk]))
    for one in Subscription.objects.all():
        waiting.add(reverse("support:history", args=[one.pk]))
        for name in ("detail", "edit", "review", "history", "history_export"):
            waiting.add(reverse(f"subscriptions:{name}", args=[one.customer_id, one.pk]))
    seen = set()
    while waiting:
        address = waiting.pop()
        seen.add(address)
        answer = browser.get(address)
        yield address, answer
        if answer.status_code == 302:
            waiting |= {answer.url} - seen
        elif answer["Content-Type"].startswith("text/html"):
            waiting |= Links(answer.content.decode()).found - seen


DEMO_PEOPLE = [
    f"{role}@nordlicht.example" for role in ("global", "agent", "sales", "helpdesk", "users")
]
DEMO_PEOPLE += [
    f"global@{partner}.example"
    for partner in ("suedwind", "brandt", "hafen", "elbe", "kranich", "moewe", "pacific")
]
# The admin of Reederei Albers is not among them: CANARY sells to that customer too.
DEMO_PEOPLE += [f"admin@{customer}.example" for customer in ("petersen", "yilmaz", "huber")]


@pytest.mark.parametrize("email", DEMO_PEOPLE)
def test_T1_no_page_shows_the_canary(demo, canary, email):
    browser = signed_in(email)
    answers = dict(everything(browser))
    # Of its own relationship that ended, a partner keeps the notice to the customer (R9).
    partner = demo.user(email).membership.partner
    for ended in Relationship.objects.filter(partner=partner).exclude(ended_at=None):
        del answers[reverse("relationships:notice", args=[ended.pk])]
    for address, answer in answers.items():
        assert answer.status_code in (200, 302, 403, 404), address
        text = answer.getvalue().decode()
        if address.startswith(("/activity/", "/notices/")):
            # What a partner once had stays readable in its log and notices (R9); nothing else may be.
            for once in ("CANARY Backhaus", "CANARY Elbe Support"):
                text = text.replace(once, "")
        assert "CANARY" not in text, address
    assert sum(answer.status_code == 200 for answer in answers.values())


def test_T1_the_canary_could_be_seen(demo, canary):
    sung = {
        address
        for address, answer in everything(signed_in(canary.email))
        if answer.status_code == 200 and "CANARY" in answer.getvalue().decode()
    }
    assert len(sung) > 10
    products = signed_in("admin@albers.example").get("/support/").content.decode()
    assert products.count("CANARY Hafen IT") == 2  # as a heading, and with its details


@pytest.mark.parametrize("name", ["Office 365 Business Standard", "Visio Plan 2"])
def test_T1_a_refused_choice_does_not_tell_who_it_was(demo, canary, nothing_written, name):
    subscription = demo.subscription("Reederei Albers", name)
    page = reverse("subscriptions:detail", args=[subscription.customer_id, subscription.pk])
    browser = signed_in("helpdesk@nordlicht.example")
    with nothing_written():
        for partner in ("CANARY Nordlicht", "CANARY Hafen IT", "CANARY Elbe Support"):
            choice = str(demo.partner(partner).pk)
            answer = browser.post(page, {"support_contact": choice})
            assert answer.status_code == 200
            assert "CANARY" not in answer.content.decode()
