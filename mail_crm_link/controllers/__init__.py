from . import email
from . import thread
