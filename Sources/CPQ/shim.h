// PostgreSQL's client library, for control connections: never on the data path.
#include <libpq-fe.h>
