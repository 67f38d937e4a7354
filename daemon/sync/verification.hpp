// Compares a time range of the tables with the source: decides which days to list, which engagements to
// request one by one, what counts as a difference, and what to repair. Decisions only; verify.cpp performs
// them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/sync/exit_status.hpp"
#include "daemon/sync/verdict.hpp"
#include "sinks/state/verification_store.hpp"

namespace glia {

/// What to verify, and how.
struct VerificationSpec {
    Instant from{};
    Instant to{};
    std::vector<std::string> sites;
    /// In [0, 1]. If a listing shows no legs, the legs of this share of its engagements are read by GET.
    double legs_share = 0.01;
    bool repair = false;
    bool lists_all = true;  ///< false: listings omit engagements of other operators, so none counts as gone
    int concurrency = 4;    ///< maximum concurrent listings
    int max_gets = 8;       ///< maximum concurrent GETs
    /// By site, see recheck_delay(). Zero or absent: no service reads the site.
    std::map<std::string, Milliseconds> recheck_delays{};
};

/// `missing`: the source has it, the tables do not. `gone`: the tables have it, the source does not.
enum class DifferenceKind { missing, different, gone };
const char* name_of(DifferenceKind kind);

/// A difference between the tables and the source. `repaired`: it was loaded or marked.
struct Difference {
    std::string engagement_id;
    std::string site_id;
    DifferenceKind kind = DifferenceKind::missing;
    bool repaired = false;
};

/// Names an engagement of a site.
using EngagementOfSite = std::pair<std::string, std::string>;  ///< engagement, site

/// The state machine of one verification. Pure: no I/O and no clock; `now` comes from any monotonic clock.
///
/// Takes the days in order, several concurrently. For each day:
///   1. Lists the day for every site, and compares each page with the tables.
///   2. Scans the stored engagements of the day for those that the listing of their site did not show.
///   3. Requests every engagement under suspicion by its id (it differs, is unlisted, or is sampled for its
///      legs), again if needed, until the verdict is certain.
///   4. If it repairs: loads missing and different engagements, and marks gone ones.
///   5. Records the counts.
/// If one of the steps 1 to 3 or a load fails, the day has no result for that site, and none of the site's
/// engagements of the day is marked.
///
/// Memory: digests of the ids listed in the open days, and the engagements under suspicion.
class Verification {
  public:
    explicit Verification(VerificationSpec spec);

    /// Number of a day of the range, from 0.
    using Day = std::size_t;

    /// List a site from `from` to `to`: report on_page() for each batch, then on_listed() or
    /// on_list_failed().
    struct List {
        Day day = 0;
        std::string site;
        Instant from{}, to{};
    };
    /// Read the stored engagements created in [from, to): report on_stored() for each page, then
    /// on_scanned().
    struct Scan {
        Day day = 0;
        Instant from{}, to{};
        std::vector<std::string> sites;
    };
    /// GET an engagement: report on_record(), on_gone(), on_no_record() or on_get_failed().
    struct Get {
        EngagementOfSite what;
    };
    /// Compare these records with the tables: report on_compared().
    struct Compare {
        std::shared_ptr<const Batch> batch;
    };
    /// Write these records even if the stored hashes equal theirs, then compare them: report on_loaded().
    struct Load {
        std::shared_ptr<const Batch> batch;
    };
    /// Mark these as missing at the source: report on_marked().
    struct Mark {
        Day day = 0;
        std::vector<GoneEngagement> engagements;
    };
    /// Save the counts of a day: report on_recorded().
    struct Record {
        VerifiedDay day;
    };
    /// Nothing to do until the next event, or until the time `until` if it is set.
    struct Wait {
        std::optional<Milliseconds> until;
    };
    /// The verification is over.
    struct End {};
    using Step = std::variant<List, Scan, Get, Compare, Load, Mark, Record, Wait, End>;
    /// Returns the next step to start; steps run concurrently. Call it at the start and after each event,
    /// until it returns Wait or End.
    Step next(Milliseconds now);

    const VerificationSpec& spec() const { return spec_; }
    /// Sets the engagements from which names of queues were read. Call it before the first next(). They are
    /// requested by GET unless the listing shows legs, because the name may come from a leg.
    void on_name_sources(std::vector<QueueNameSource> sources) { name_sources_ = std::move(sources); }

    /// False while listings have to wait because too many engagements are under suspicion.
    bool has_room() const { return suspects_.size() < kMaxSuspects; }

    /// A batch of a listing, with its differences from the tables. Records in `batch.rejected`, which cannot
    /// be parsed, count neither as missing nor as gone.
    void on_page(Day day, const std::string& site, const Batch& batch,
                 const std::vector<RecordComparison>& found);
    void on_listed(Day day, const std::string& site);
    void on_list_failed(Day day, const std::string& site, const ExitStatus& outcome);
    void on_stored(Day day, const std::vector<StoredListing>& listings);
    void on_scanned(Day day);

    void on_record(const EngagementOfSite& what, FetchedEngagement record);
    /// GET returned 404 or 410. `asked_at`: when it was sent, by the server's clock.
    void on_gone(const EngagementOfSite& what, Instant asked_at);
    /// GET returned a record that cannot be parsed or is older than retention, or the API does not accept the
    /// id. Not a difference.
    void on_no_record(const EngagementOfSite& what);
    void on_get_failed(const EngagementOfSite& what, const ExitStatus& outcome);
    void on_compared(const Batch& batch, const std::vector<RecordComparison>& found, Milliseconds now);
    void on_loaded(const Batch& batch, const std::vector<RecordComparison>& still_different);
    void on_marked(Day day, const std::vector<std::string>& marked);
    void on_recorded();
    /// The sink failed in this step, which is not a List or a Get. After a Scan, Compare or Load the day has
    /// no result for the affected sites; after a Mark, none of its engagements counts as repaired.
    void on_failed(const Step& step, const ExitStatus& outcome);
    /// Ends early: starts no further listing, scan or GET.
    void stop() { stopped_ = true; }

    const std::vector<Difference>& differences() const { return differences_; }
    /// Counts by day and site. Without the days and sites that have no result.
    const std::map<std::pair<Instant, std::string>, DayCounts>& results() const { return results_; }
    /// The most severe failure; `done` if there was none.
    const ExitStatus& outcome() const { return outcome_; }
    /// Number of listed records that were compared.
    std::int64_t compared() const { return compared_; }
    std::size_t days() const { return days_.size(); }
    std::size_t days_done() const { return closed_; }
    /// Days and sites with an implausible number of gone engagements, see is_plausibly_gone(). None of these
    /// engagements was marked.
    const std::vector<std::pair<Instant, std::string>>& implausible() const { return implausible_; }

    /// Listings pause at this number of engagements under suspicion. Bounds memory.
    static constexpr std::size_t kMaxSuspects = 5'000;
    /// GET responses compared in one transaction.
    static constexpr std::size_t kBatch = 100;

  private:
    enum class Reason { differs, unlisted, sampled };
    struct Suspect {
        Day day = 0;
        Reason reason = Reason::differs;
        bool is_counted = true;  // in DayCounts::listed of its day
        int observations = 0;
        std::optional<SourceObservation> last;
    };
    struct SiteOfDay {
        enum class State { waiting, listing, listed, failed };
        State state = State::waiting;
        bool lists_legs = true;  // each record of the listing has its legs
        DayCounts counts;
        std::unordered_set<std::uint64_t> listed;  // digests of ids
        std::vector<GoneEngagement> gone;
    };
    struct OneDay {
        enum class State { waiting, open, scanning, scanned, marked, recording, closed };
        Instant from{}, to{};
        State state = State::waiting;
        std::map<std::string, SiteOfDay> sites;
        int suspects = 0;  // without a verdict, or not yet loaded
        int marking = 0;
    };

    std::optional<Step> next_of_suspects(Milliseconds now);
    std::optional<Step> next_of_days();
    std::optional<Step> list(OneDay& day, Day number);
    std::optional<Step> scan(OneDay& day, Day number);
    std::optional<Step> mark(OneDay& day, Day number);
    std::optional<Step> close(OneDay& day);
    void open_days();
    bool is_over() const;

    void suspect(Day day, const std::string& site, const std::string& id, Reason reason, bool is_counted);
    void clear(const EngagementOfSite& what);
    void add_difference(const EngagementOfSite& what, DifferenceKind kind);
    void ask_for_name_sources(Day day);
    void fail_site(Day day, const std::string& site, const ExitStatus& outcome);
    SiteOfDay& site_of(const EngagementOfSite& what);
    Milliseconds recheck_delay_of(const std::string& site) const;

    VerificationSpec spec_;
    std::string salt_;
    std::vector<OneDay> days_;
    Day first_open_ = 0, next_day_ = 0;
    std::size_t closed_ = 0;
    int listing_ = 0;

    std::map<EngagementOfSite, Suspect> suspects_;
    std::set<std::pair<Milliseconds, EngagementOfSite>> due_;  // suspects to request, by time
    int getting_ = 0;
    int comparing_ = 0;
    int writing_ = 0;
    std::vector<FetchedEngagement> responses_;  // not yet compared
    std::vector<FetchedEngagement> to_load_;

    std::vector<QueueNameSource> name_sources_;
    std::map<EngagementOfSite, std::size_t> known_;  // index in differences_
    std::vector<Difference> differences_;
    std::map<std::pair<Instant, std::string>, DayCounts> results_;
    std::vector<std::pair<Instant, std::string>> implausible_;
    ExitStatus outcome_;
    std::int64_t compared_ = 0;
    bool stopped_ = false;
};

}  // namespace glia
