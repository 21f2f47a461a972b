from . import test_binding, test_chatter, test_sync
