from . import email
from . import reading
from . import thread
