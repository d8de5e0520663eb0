"""`/billing/settings/sessions/`: where one is signed in; end one, or all others."""

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from portal.pages.sessions import sessions_page
from portal.sessions import end_sessions, live_sessions, note_sign_in
from portal.views.base import PortalRequest, page, show


@require_safe
@page(place="settings")
def show_sessions(request: PortalRequest) -> HttpResponseBase:
    found = sessions_page(request.user, request.session.session_key)
    if not any(row.own for row in found.rows):  # begun before sessions were noted
        note_sign_in(request)
        found = sessions_page(request.user, request.session.session_key)
    return show(request, "portal/sessions.html", found)


@require_POST
@page(place="settings")
def end(request: PortalRequest) -> HttpResponseBase:
    """One session, or ("others") all but this one. This one is left by signing out."""
    wanted = request.POST.get("session", "")
    others = [row for row in live_sessions(request.user) if row.session_key != request.session.session_key]
    ending = [row for row in others if wanted in ("others", str(row.pk))]
    if not ending and wanted != "others":
        raise Http404
    end_sessions(ending)
    if wanted == "others":
        words = ngettext("%(count)s session is ended.", "%(count)s sessions are ended.", len(ending))
        messages.success(request, words % {"count": len(ending)})
    else:
        messages.success(request, gettext("The session is ended: that device has to sign in again."))
    return redirect("portal:sessions")
