"""The WSGI application, for hosts that want one."""

from django.core.handlers.wsgi import WSGIHandler

from portal.starting import set_up

set_up()
application = WSGIHandler()
