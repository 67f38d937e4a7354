#include "sinks/postgres/children.hpp"

#include "sinks/postgres/sql.hpp"

namespace glia::postgres {

void erase_children(Transaction& tx, const std::vector<std::string>& engagements) {
    const std::string ids = array(engagements);
    for (const std::string_view statement :
         {sql::erase_engagement_sites, sql::erase_engagement_operators, sql::erase_engagement_queues,
          sql::erase_audio_recordings, sql::erase_leg_queues, sql::erase_legs, sql::erase_chat_messages,
          sql::erase_undocumented_examples}) {
        tx.run(statement, {ids});
    }
}

}  // namespace glia::postgres
