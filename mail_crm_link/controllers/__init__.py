from . import email
from . import oauth
from . import reading
from . import thread
