#include <map>

#include "sinks/content_hash.hpp"
#include "sinks/directory_hash.hpp"
#include "sinks/sqlite/checkpoint.hpp"
#include "sinks/sqlite/sql.hpp"
#include "sinks/sqlite/stores.hpp"
#include "sinks/tombstone.hpp"

namespace glia::sqlite {
namespace {

// Prefix of the stored hash of a site whose entry comes from the configuration. An entry of the API replaces
// it.
constexpr const char* kConfigured = "configured ";

/// Writes one listing within a transaction: a line for each record that is new, has changed or is missing.
class ListingWriter {
  public:
    ListingWriter(Connection& state, RecordWriter& writer, const SiteTarget& lease, Instant fetched_at)
        : state_(state), writer_(writer), lease_(lease), fetched_at_(fetched_at) {
        for (const Row& row : state.run(sql::directory_entries_of_site, {stream(), lease.site_id}))
            before_.emplace(*row.text(0), Known{row.text(1).value_or(""), row.integer(2) != 0});
    }

    DirectoryCounts write(const DirectoryListing& listing) {
        std::map<std::string, const RejectedRecord*> rejected;  // a record that occurs twice counts once
        for (const RejectedRecord& record : listing.rejected) rejected[record.payload] = &record;
        for (const auto& [payload, record] : rejected) reject(*record);
        state_.run(sql::resolve_rejected_before, {lease_.site_id, stream()});
        std::map<std::string, const OperatorEntry*> operators;  // the last record of an id is used
        for (const OperatorEntry& entry : listing.records.operators) operators[*entry.id] = &entry;
        for (const auto& [id, entry] : operators) {
            if (!is_forgotten(id)) put(*entry);
        }
        for (const SiteEntry& entry : listing.records.sites) put(entry);
        for (const QueueEntry& entry : listing.records.queues) put(entry);
        // A site is requested by its id, so it is never missing from a listing.
        if (listing.every_record_known() && lease_.stream != Stream::sites) mark_missing();
        return counts_;
    }
    void write_configured(const SiteEntry& site) {
        const auto known = before_.find(*site.id);
        if (known == before_.end() || known->second.hash.starts_with(kConfigured)) put(site, kConfigured);
    }

  private:
    struct Known {
        std::string hash;
        bool missing = false;
    };

    Value stream() const { return stream_value(lease_.stream); }
    bool is_forgotten(const std::string& id) {
        return state_.run(sql::is_operator_forgotten, {to_hex(bytes_hash(id))}).at(0).integer(0) != 0;
    }
    /// Checks also every text of the payload that may be the operator's id, because a malformed record may
    /// hide the member that has the id.
    bool is_of_forgotten_operator(const RejectedRecord& record) {
        std::vector<std::string> digests;
        if (record.operator_id) digests.push_back(to_hex(bytes_hash(*record.operator_id)));
        for (const ContentHash& person : possible_person_digests(record.payload))
            digests.push_back(to_hex(person));
        const std::string kind = name_of(Tombstone::Kind::listed_operator);
        return state_.run(sql::is_forgotten, {Value(), kind, list(digests)}).at(0).integer(0) != 0;
    }
    void reject(const RejectedRecord& record) {
        if (lease_.stream == Stream::operators && is_of_forgotten_operator(record)) return;
        state_.run(sql::reject_record, {lease_.site_id, stream(), Value(), record.reason, record.payload,
                                        to_hex(bytes_hash(record.payload))});
    }

    template <typename Entry>
    void put(const Entry& entry, const std::string& prefix = "") {
        const std::string hash = prefix + to_hex(directory_hash(entry));
        const auto known = before_.find(*entry.id);
        const bool is_new = known == before_.end();
        const bool same = !is_new && known->second.hash == hash;
        const bool returned = !is_new && known->second.missing;
        if (same && !returned) {
            ++counts_.unchanged;
        } else {
            ++(is_new ? counts_.inserted : same ? counts_.returned : counts_.changed);
            writer_.write_listed({lease_.stream, *entry.id, lease_.site_id, fetched_at_, &entry});
            state_.run(sql::put_directory_entry,
                       {stream(), lease_.site_id, *entry.id, hash, std::int64_t{0}});
        }
        if (!is_new) before_.erase(known);
    }
    /// Marks the stored records that were not listed.
    void mark_missing() {
        for (const auto& [id, known] : before_) {
            if (known.missing) continue;
            ++counts_.missing;
            writer_.write_listed({lease_.stream, id, lease_.site_id, fetched_at_, {}});
            state_.run(sql::put_directory_entry, {stream(), lease_.site_id, id, known.hash, std::int64_t{1}});
        }
    }

    Connection& state_;
    RecordWriter& writer_;
    const SiteTarget& lease_;
    Instant fetched_at_;
    std::map<std::string, Known, std::less<>> before_{};
    DirectoryCounts counts_{};
};

class SqliteDirectoryStore final : public DirectoryStore {
  public:
    explicit SqliteDirectoryStore(StateFile& file) : file_(file) {}

    bool keeps_directory() const override { return true; }

    DirectoryCounts commit_listing(const SiteTarget& lease, const DirectoryListing& listing) override {
        DirectoryCounts counts;
        file_.commit([&](Connection& state, RecordWriter& writer) {
            fence(
                state.write(sql::directory_complete, {lease.site_id, lease.epoch, stream_value(lease.stream),
                                                      value(std::chrono::microseconds{listing.next_in})}),
                describe(lease));
            counts = ListingWriter(state, writer, lease, listing.fetched_at).write(listing);
            state.run(sql::add_run, {std::string("listing"), lease.site_id, micros(listing.fetched_at),
                                     Value(), micros(listing.fetched_at), listing.pages,
                                     static_cast<std::int64_t>(listing.records.size()),
                                     static_cast<std::int64_t>(listing.rejected.size()), listing.requests,
                                     stream_value(lease.stream)});
        });
        return counts;
    }

    bool refuse_listing(const SiteTarget& lease, const DirectoryRefusal& refusal) override {
        bool warn = false;
        file_.commit([&](Connection& state, RecordWriter& writer) {
            const Value stream = stream_value(lease.stream);
            warn = state
                       .run(sql::refusal_warning_due,
                            {stream, value(std::chrono::microseconds{refusal.warn_every})})
                       .at(0)
                       .integer(0) != 0;
            const bool held =
                state.write(sql::directory_refused, {lease.site_id, lease.epoch, stream,
                                                     value(std::chrono::microseconds{refusal.retry_in}),
                                                     refusal.error, std::int64_t{warn}}) > 0;
            if (!held) warn = false;
            if (held && refusal.configured)
                ListingWriter(state, writer, lease, state.now()).write_configured(*refusal.configured);
        });
        return warn;
    }

  private:
    StateFile& file_;
};

}  // namespace

std::unique_ptr<DirectoryStore> make_directory_store(StateFile& file) {
    return std::make_unique<SqliteDirectoryStore>(file);
}

}  // namespace glia::sqlite
