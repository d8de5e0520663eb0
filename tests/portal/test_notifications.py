"""Which mails a person gets: the usual ones of the role until he chooses, and the account's address for ever."""

import re

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.mailing import recipients
from accounts.models import Account, Mail, Membership, Role, User
from billing.limits.actions import raise_alerts, set_limit
from billing.limits.mail import send_alerts
from billing.webhooks.mail import told
from tests.factories import make_account, make_member
from tests.limits.world import customer, use
from tests.portal.world import sign_in

PAGE = "/billing/settings/notifications/"


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


def told_of(account: Account, kind: Mail) -> list[str]:
    return [one.address for one in recipients(account, kind)]


def checked(client: Client) -> set[str]:
    return set(re.findall(r'name="mails" id="[^"]*" value="(\w+)" checked', client.get(PAGE).text))


@pytest.mark.parametrize(
    ("role", "usual"),
    [
        (Role.OWNER, {"limit", "issued", "reminder", "declined", "webhook"}),
        (Role.BILLING, {"limit", "issued", "reminder", "declined"}),
        (Role.DEVELOPER, {"webhook"}),
        (Role.VIEWER, set()),
    ],
)
def test_each_role_has_its_usual_mails_and_may_choose_others(
    account: Account, role: str, usual: set[str]
) -> None:
    person = make_member(account, role, "me@acme.example")
    client = sign_in(person)
    assert checked(client) == usual
    for kind in Mail:
        assert (person.email in told_of(account, kind)) == (kind in usual), kind
    answer = client.post(PAGE, {"mails": ["webhook", "reminder"]}, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "Saved. It holds from the next mail on." in answer.text
    assert checked(client) == {"webhook", "reminder"}
    for kind in Mail:
        assert (person.email in told_of(account, kind)) == (kind in {"webhook", "reminder"}), kind
    client.post(PAGE, {})
    assert checked(client) == set()
    assert Membership.objects.get().mails == [], "nothing is a choice too"


def test_what_is_not_a_mail_is_refused(account: Account) -> None:
    answer = sign_in(make_member(account)).post(PAGE, {"mails": ["limit", "spam"]})
    assert answer.status_code == 422
    assert '<a href="#f-mails">Choose from the mails of the list</a>' in answer.text
    assert Membership.objects.get().mails is None
    assert answer.text.count(" checked") == 1, "what was chosen stays"


def test_the_accounts_address_stays_and_is_said(account: Account) -> None:
    client = sign_in(make_member(account))
    assert "No member is told when a limit stops usage" not in client.get(PAGE).text
    client.post(PAGE, {"mails": ["issued"]})
    text = client.get(PAGE).text
    assert "No member is told when a limit stops usage" in text
    assert "Such alerts go to billing@acme.example only" in text
    assert told_of(account, Mail.LIMIT) == ["billing@acme.example"]
    assert told_of(account, Mail.ISSUED) == ["billing@acme.example", "owner@acme.example"]
    assert told_of(account, Mail.WEBHOOK) == ["billing@acme.example"], "somebody must know"
    assert told(account) == ["billing@acme.example"]


def test_who_has_the_accounts_address_keeps_its_mails_once(account: Account) -> None:
    Account.objects.update(email="Owner@Acme.example")
    person = make_member(account)
    client = sign_in(person)
    account.refresh_from_db()
    assert told_of(account, Mail.ISSUED) == [person.email]
    client.post(PAGE, {})
    assert told_of(account, Mail.ISSUED) == ["Owner@Acme.example"]
    assert "Yours is also the account’s address for invoices" in client.get(PAGE).text


def test_a_choice_is_of_one_account(account: Account) -> None:
    person, other = make_member(account), make_account("other")
    Membership.objects.create(account=other, user=person, role=Role.OWNER)
    sign_in(person).post(PAGE, {})
    assert person.email not in told_of(account, Mail.LIMIT)
    assert person.email in told_of(other, Mail.LIMIT)


def test_mails_are_in_the_persons_language_and_lead_to_the_choice(db: None) -> None:
    account = customer()
    make_member(account)
    User.objects.update(language="fr")
    set_limit(account, "500", "stop")
    use(account, tokens=410)
    raise_alerts(account, timezone.now())
    mail.outbox = []
    assert send_alerts(account) == 2
    own, person = sorted(mail.outbox, key=lambda one: one.to)
    assert own.to == ["billing@acme.example"]
    assert "of your €500 spending limit is used" in own.subject
    assert "This mail goes to the address of Acme for invoices." in own.body
    assert "/billing/details/" in own.body
    assert "limite" in person.subject
    assert "Choisir les e-mails que vous recevez\N{NO-BREAK SPACE}: http" in person.body
    html = person.alternatives[0].content
    assert f"{PAGE}" in html
    assert '<html lang="fr">' in html


def test_few_queries_however_many_members(account: Account) -> None:
    client = sign_in(make_member(account))
    client.get(PAGE)
    counts = []
    for more in (0, 60):
        for number in range(more):
            User.objects.create(email=f"b{number}@acme.example").memberships.create(
                account=account, role=Role.BILLING
            )
        with CaptureQueriesContext(connection) as found:
            assert client.get(PAGE).status_code == 200
        counts.append(len(found))
    assert counts[0] == counts[1] <= 12, counts


def test_in_french(account: Account) -> None:
    Account.objects.update(locale="fr-FR")
    text = sign_in(make_member(account, Role.VIEWER)).get(PAGE).text
    assert "Aucun membre n’est prévenu quand une limite arrête la consommation" in text
    assert "Relances de factures impayées" in text
