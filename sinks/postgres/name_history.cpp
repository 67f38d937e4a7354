#include "sinks/postgres/name_history.hpp"

#include "sinks/postgres/sql.hpp"

namespace glia::postgres {

void record_names(Transaction& tx, const char* kind, const CurrentNames& current) {
    if (current.ids.empty()) return;
    const std::string ids = array(current.ids), names = array(current.names);
    // Usually no name has changed: most rows are written for other reasons.
    if (tx.run(sql::changed_names, {kind, ids, names}).empty()) return;
    const Params history{kind, ids, names, array(current.since)};
    tx.run(sql::close_names, history);
    tx.run(sql::open_names, history);
}

}  // namespace glia::postgres
