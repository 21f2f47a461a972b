from . import test_binding, test_chatter, test_controllers, test_sync, test_tours
