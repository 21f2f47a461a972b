from . import (
    test_binding,
    test_chatter,
    test_connections_tour,
    test_controllers,
    test_creation,
    test_durability,
    test_query_counts,
    test_roles,
    test_sync,
    test_todo,
    test_todo_on_cards,
    test_tours,
)
