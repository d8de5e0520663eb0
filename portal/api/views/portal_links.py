"""Links for host products: open a page of the portal for a member, without a second password."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.portal_links import BELOW, LONGEST, NotAMember, make_link
from billing.pricing.dates import utc
from portal.api.auth import account_of, require_installation
from portal.api.fields import Text
from portal.api.problems import Problem, invalid
from portal.api.query import read_query
from portal.api.serializers.base import Answer, Body, read_body
from portal.api.views.base import ApiView


class PortalLinkBody(Body):
    user_email = Text(max_length=254, help_text="The mail address of a member of the account.")
    path = Text(
        max_length=LONGEST,
        default=BELOW,
        help_text="The page to open, below /billing/, with its query if any.",
    )


class PortalLinkAnswer(Answer):
    url = serializers.CharField(help_text="Good once: send the browser there at once.")
    expires_at = serializers.CharField()


class PortalLinksView(ApiView):
    @extend_schema(operation_id="make_portal_link", request=PortalLinkBody, responses={201: PortalLinkAnswer})
    def post(self, request: Request, account: str) -> Response:
        """Make a link that signs a member in on this account and opens a page, once, within 5 minutes.

        For host products that know who is signed in. The link is on the account's record of who changed what; acts
        that are sensitive still ask the member for a password.
        """
        found = account_of(request, account)
        require_installation(request, "Making a portal link")
        read_query(request)
        body = read_body(PortalLinkBody, request.data)
        try:
            link, token = make_link(found, body["user_email"], body["path"])
        except NotAMember as error:
            fault = {"pointer": "/user_email", "detail": str(error)}
            raise Problem("not_a_member", str(error), [fault]) from error
        except ValidationError as error:
            raise invalid("/path", error.messages[0]) from error
        url = f"{settings.SITE_URL}{reverse('portal:open', args=[token])}"
        return Response({"url": url, "expires_at": utc(link.expires_at)}, status=status.HTTP_201_CREATED)
