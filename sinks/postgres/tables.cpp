#include "sinks/postgres/tables.hpp"

#include <algorithm>
#include <utility>

namespace glia::postgres {

void add_operators(Rows& rows, const Engagement& e) {
    for (std::size_t i = 0; i < e.operators.size(); ++i) OperatorTable::add(rows, {*e.id, i}, e.operators[i]);
}

void add_queue_refs(Rows& rows, const Engagement& e) {
    for (std::size_t i = 0; i < e.queues.size(); ++i)
        QueueRefTable::add(rows, {*e.id, i}, {RecordText::borrow_of(e.queues[i].id)});
}

void add_recordings(Rows& rows, const Engagement& e) {
    for (std::size_t i = 0; i < e.audio_recording_urls.size(); ++i)
        RecordingTable::add(rows, {*e.id, i}, {RecordText::borrow_of(e.audio_recording_urls[i])});
}

void add_messages(Rows& rows, const std::string& engagement_id, const std::vector<ChatMessage>& messages) {
    for (std::size_t i = 0; i < messages.size(); ++i)
        MessageTable::add(rows, {engagement_id, i}, messages[i]);
}

/// The queue of a leg; an empty text if it came through no queue. (NULL marks rows written before schema
/// version 15.)
static QueueRefRow queue_of(const Leg& leg) {
    const bool has_queue = leg.request_queues.size() > 0 && leg.request_queues[0].id;
    return {has_queue ? RecordText::borrow_of(leg.request_queues[0].id) : RecordText::borrowed("")};
}

void add_legs(Rows& legs, Rows& leg_queues, const Engagement& e) {
    if (!e.legs) return;
    for (std::size_t i = 0; i < e.legs->size(); ++i) {
        const Leg& leg = (*e.legs)[i];
        const bool repeated = std::any_of(e.legs->begin() + i + 1, e.legs->end(),
                                          [&](const Leg& later) { return later.id == leg.id; });
        if (repeated) continue;
        LegTable::add(legs, {*e.id, i}, leg, queue_of(leg));
        for (std::size_t k = 0; k < leg.request_queues.size(); ++k)
            LegQueueTable::add(leg_queues, {*e.id, k}, {*leg.id},
                               {RecordText::borrow_of(leg.request_queues[k].id)});
    }
}

void QueueNames::add(const FetchedEngagement& fetched) {
    const Instant as_of = fetched.engagement.created_at;
    for (const QueueRef& queue : fetched.engagement.queues) add(queue, as_of, fetched.fetched_at);
    if (!fetched.engagement.legs) return;
    for (const Leg& leg : *fetched.engagement.legs) {
        for (const QueueRef& queue : leg.request_queues) add(queue, as_of, fetched.fetched_at);
    }
}

void QueueNames::add(const QueueRef& queue, Instant as_of, Instant fetched_at) {
    if (!queue.id) return;
    const auto place =
        std::lower_bound(names_.begin(), names_.end(), *queue.id,
                         [](const QueueRow& row, std::string_view id) { return *row.id < id; });
    if (place == names_.end() || *place->id != *queue.id) {
        names_.insert(place, {*queue.id, queue.name, as_of, fetched_at});
        return;
    }
    // A queue without a name does not change the stored name.
    const bool newer = std::pair(OptionalInstant(as_of), OptionalInstant(fetched_at)) >=
                       std::pair(place->name_as_of, place->name_fetched_at);
    if (queue.name && (newer || !place->name)) *place = {*queue.id, queue.name, as_of, fetched_at};
}

Rows QueueNames::rows() const {
    Rows rows(QueueTable::table(), Rows::Encoding::json);
    for (const QueueRow& row : names_) QueueTable::add(rows, row);
    return rows;
}

}  // namespace glia::postgres
