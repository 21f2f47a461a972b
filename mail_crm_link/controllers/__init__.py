from . import email
from . import oauth
from . import gmail
from . import graph
from . import guide
from . import export
from . import reading
from . import thread
