"""Accounts: the customers that are billed."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from billing.plans.models import TaxRate
from billing.plans.queries import currency_is_fixed
from portal import acts
from portal.api.auth import account_of, api_key, require_installation
from portal.api.idempotency import once
from portal.api.paging import page_of_rows
from portal.api.parsers import MergePatchParser, StrictJSONParser
from portal.api.problems import Problem, invalid
from portal.api.query import read_query
from portal.api.schema import listed, paged
from portal.api.serializers.accounts import AccountAnswer, AccountBody, account_data, model_values
from portal.api.serializers.base import read_body
from portal.api.views.base import ApiView


class AccountsView(ApiView):
    @extend_schema(operation_id="list_accounts", parameters=paged(), responses=listed(AccountAnswer))
    def get(self, request: Request) -> Response:
        """Every account; for an account's own key just that one."""
        key = api_key(request)
        accounts = Account.objects.all()
        if key.account_id is not None:
            accounts = accounts.filter(pk=key.account_id)
        return Response(page_of_rows(request, accounts, ["code"], account_data))

    @extend_schema(operation_id="create_account", request=AccountBody, responses={201: AccountAnswer})
    @once
    def post(self, request: Request) -> Response:
        """Needs an installation key. Events that were waiting for this account are counted at once."""
        require_installation(request, "Creating an account")
        read_query(request)
        values = model_values(read_body(AccountBody, request.data))
        _check_tax_code(values.get("tax_code", ""))
        account = acts.create_account(values)
        return Response(account_data(account), status=status.HTTP_201_CREATED)


class AccountView(ApiView):
    parser_classes = (StrictJSONParser, MergePatchParser)

    @extend_schema(operation_id="get_account", responses=AccountAnswer)
    def get(self, request: Request, account: str) -> Response:
        """One account."""
        read_query(request)
        return Response(account_data(account_of(request, account)))

    @extend_schema(
        operation_id="change_account",
        request={
            "application/json": AccountBody(partial=True),
            "application/merge-patch+json": AccountBody(partial=True),
        },
        responses=AccountAnswer,
    )
    def patch(self, request: Request, account: str) -> Response:
        """Merge the given fields (RFC 7396); null takes an optional one away. `tax_code` needs an installation key."""
        found = Account.objects.select_for_update().get(pk=account_of(request, account).pk)
        read_query(request)
        values = model_values(read_body(AccountBody, request.data, partial=True))
        if values.get("tax_code", found.tax_code) != found.tax_code:
            require_installation(request, "Changing tax_code")
            _check_tax_code(values["tax_code"])
        if values.get("currency", found.currency) != found.currency and currency_is_fixed(found):
            sentence = f"The first subscription fixed the currency: it stays {found.currency}."
            raise Problem("conflict", sentence, [{"pointer": "/currency", "detail": sentence}])
        return Response(account_data(acts.change_account(found, values)))


def _check_tax_code(code: str) -> None:
    if code and not TaxRate.objects.filter(code=code).exists():
        raise invalid("/tax_code", "The catalogue has no tax of this code.")
