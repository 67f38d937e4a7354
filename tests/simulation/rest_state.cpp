#include "tests/simulation/rest_state.hpp"

#include <algorithm>

namespace simulation {
namespace {

using namespace std::chrono_literals;

class Check {
  public:
    explicit Check(const RestState& state)
        : state_(state), source_(state.world.source), database_(state.world.database) {}

    std::string fault(Instant end) const {
        for (const auto& check : {engagements_fault(), queues_fault(), content_without_engagement(),
                                  sites_fault(end), windows_fault()}) {
            if (!check.empty()) return check;
        }
        for (const auto& instance : state_.instances) {
            if (!instance->idle()) return instance->instance_id() + " does not stop";
        }
        return {};
    }

    std::string engagements_fault() const {
        for (const Item& item : source_.items()) {
            if (std::string fault = missing_fault(item); !fault.empty()) return fault;
            if (!must_be_there(item)) continue;
            if (std::string fault = engagement_fault(item); !fault.empty()) return fault;
            if (!has_revisits()) continue;
            if (std::string fault = content_fault(item); !fault.empty()) return fault;
        }
        for (const std::string& id : database_.forgotten_engagements) {
            if (database_.rows.contains(id)) return id + " is stored although it was forgotten";
        }
        for (const auto& [id, row] : database_.rows) {
            if (std::none_of(source_.items().begin(), source_.items().end(),
                             [&, &name = id](const Item& item) { return item.id == name; }))
                return id + " is not at the source";
        }
        return {};
    }

  private:
    /// Checks that a removed engagement is marked, after revisits have read its range again.
    std::string missing_fault(const Item& item) const {
        const auto row = database_.rows.find(item.id);
        if (!has_revisits() || row == database_.rows.end()) return {};
        // A machine whose clock is behind ignores engagements created after its time, so it marks none of
        // them.
        if (item.is_removed && !row->second.missing_since && slowest_clock() > -Time{1min})
            return item.id + " is gone and not marked";
        if (!item.is_removed && row->second.missing_since) return item.id + " is marked, but not gone";
        return {};
    }
    bool is_removed(const std::string& id) const {
        const Item* item = source_.find(id);
        return item && item->is_removed;
    }

    bool has_revisits() const { return !state_.scenario.sync.revisit.empty(); }

    /// True if the engagement must be stored: the source still has it, and a pass must have listed it.
    /// Without revisits passes read only the overlap again, so an engagement that was listed late, hidden,
    /// denied, removed for a while or broken may be absent.
    bool must_be_there(const Item& item) const {
        if (!item.visible_at || database_.forgotten_engagements.contains(item.id)) return false;
        if (item.is_removed) return false;
        if (has_revisits()) return true;
        if (item.was_removed || source_.was_hidden(item.id) || source_.was_denied(item.id)) return false;
        const Instant key = source_.key_time(item);
        return key >= state_.start_from && *item.visible_at - key < 9min &&
               !state_.world.had_bad_record.count(item.id);
    }

    std::string engagement_fault(const Item& item) const {
        const auto found = database_.rows.find(item.id);
        if (found == database_.rows.end()) return item.id + " is missing";
        const ModelDatabase::Row& row = found->second;
        for (const std::string& site : item.sites) {
            if (has_revisits() && !row.sites.count(site)) return item.id + " is missing in " + site;
        }
        if (!row.state.legs_fetched_at) return "the legs of " + item.id + " are missing";
        if (std::string what = database_.difference_from_newest(item.id); !what.empty() || !has_revisits())
            return what;
        const Engagement truth = source_.record(item, true);
        if (!ModelDatabase::same_core(row.core, truth)) return item.id + " differs from the source";
        if (row.legs != *truth.legs) return "the legs of " + item.id + " differ from the source";
        return {};
    }

    /// Returns the error of an engagement's transcript or recording; empty if there is none.
    std::string content_fault(const Item& item) const {
        if (state_.scenario.enrichers.transcripts) {
            const auto stored = database_.transcripts.find(item.id);
            const auto messages =
                stored == database_.transcripts.end() ? std::vector<ChatMessage>{} : stored->second.messages;
            if (messages != (item.has_chat() ? Source::messages(item) : std::vector<ChatMessage>{}))
                return "the transcript of " + item.id + " differs from the source";
        }
        const ModelDatabase::JobKey recording{item.id, Source::recording_url(item)};
        const bool wanted = state_.scenario.enrichers.recordings && item.has_recording();
        if (database_.recordings.contains(recording) != wanted)
            return "the recording of " + item.id + (wanted ? " is not stored" : " is stored");
        if (wanted && !state_.world.files.contains(recording))
            return "the file of " + recording.second + " is lost";
        return {};
    }

    std::string queues_fault() const {
        for (const auto& [key, job] : database_.jobs(WorkKind::detail)) {
            if (!is_removed(key.first)) return "the detail queue is not empty";
        }
        for (const WorkKind kind : {WorkKind::transcript, WorkKind::recording}) {
            for (const auto& [key, job] : database_.jobs(kind)) {
                if (job.waiting && !is_removed(key.first))
                    return std::string("a ") + name_of(kind) + " of " + key.first + " is still to be fetched";
            }
        }
        for (const auto& [id, due] : database_.ongoing) {
            if (!is_removed(id)) return "an engagement that has ended counts as ongoing";
        }
        for (const std::string& id : database_.rejected_open) {
            if (has_revisits() && !is_removed(id)) return "a loaded record counts as rejected";
        }
        return {};
    }

    std::string content_without_engagement() const {
        for (const auto& [id, transcript] : database_.transcripts) {
            if (!database_.rows.contains(id)) return "the transcript of " + id + " has no engagement";
        }
        for (const auto& [id, url] : state_.world.files) {
            if (!database_.rows.contains(id) && !state_.world.files_may_be_left)
                return "the file of " + url + " is left although its engagement is erased";
        }
        return {};
    }

    std::string sites_fault(Instant end) const {
        const Time behind = slowest_clock();
        for (const auto& [id, site] : database_.sites) {
            // A lease whose release was lost expires.
            if (!site.lease_owner.empty() && site.lease_expires_at > state_.world.now())
                return "the lease on " + id + " is not given back";
            // A machine whose clock is behind holds the watermark back, so each pass reads a longer range.
            const Time slack = behind < Time{0} ? Time{40min} : Time{12min};
            if (!site.synced_through || *site.synced_through < end + behind - slack)
                return "the watermark of " + id + " stays behind";
        }
        return {};
    }

    std::string windows_fault() const {
        for (const ModelDatabase::Window& window : database_.windows) {
            if (!window.done) return "a window of the backfill is not done";
        }
        for (const Backfiller* backfiller : state_.backfillers) {
            if (!backfiller->complete()) return backfiller->instance_id() + " does not end";
        }
        return {};
    }

    /// The most negative offset of a machine's clock; zero if none is behind.
    Time slowest_clock() const {
        Time ahead{0};
        for (const auto& instance : state_.instances) ahead = std::min(ahead, instance->clock_ahead());
        return ahead;
    }

    const RestState& state_;
    const Source& source_;
    const ModelDatabase& database_;
};

}  // namespace

std::string fault_at_end(const RestState& state, Instant end) {
    return Check(state).fault(end);
}

std::string fault_of_engagements(const RestState& state) {
    return Check(state).engagements_fault();
}

}  // namespace simulation
