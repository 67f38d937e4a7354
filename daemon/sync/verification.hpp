// Compares a range of the tables with the source: which days to list, which engagements to ask for one by
// one, what counts as a difference, what to repair. Decisions only: verify.cpp performs them.
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

/// What is verified.
struct VerificationSpec {
    Instant from{};
    Instant to{};
    std::vector<std::string> sites;
    double legs_share =
        0.01;  ///< of the engagements whose legs the listing does not show: legs are read again
    bool repair = false;
    bool lists_all = true;  ///< false: the listings leave out what is of other operators; nothing is gone
    int concurrency = 4;    ///< listings at once
    int gets = 8;           ///< engagements asked for at once
    /// By site: how long the service may take to store a change; zero if it does not read the site.
    std::map<std::string, Milliseconds> recheck_delays{};
};

enum class DifferenceKind { missing, different, gone };
const char* name_of(DifferenceKind kind);

struct Difference {
    std::string engagement_id;
    std::string site_id;
    DifferenceKind kind = DifferenceKind::missing;
    bool repaired = false;
};

/// Names an engagement of a site.
using EngagementOfSite = std::pair<std::string, std::string>;  ///< engagement, site

/// The state machine. Pure: no I/O and no clock; `now` is any clock that only goes forward. Days are compared
/// in order, some at once. A day of a site is listed to its end, what is stored of the day is scanned, and
/// each record that differs is asked for by its id until the verdict is certain. If a site cannot be listed,
/// its day has no result, and none of its engagements counts as gone.
///
/// In memory at once: the ids listed in the open days, and the engagements under suspicion.
class Verification {
  public:
    explicit Verification(VerificationSpec spec);

    using Day = std::size_t;

    /// List a site's engagements of a time; on_page() for each batch, then on_listed() or on_list_failed().
    struct List {
        Day day = 0;
        std::string site;
        Instant from{}, to{};
    };
    /// Read what is stored of a day; on_stored() for each part, then on_scanned().
    struct Scan {
        Day day = 0;
        Instant from{}, to{};
        std::vector<std::string> sites;
    };
    /// Ask for an engagement; on_record(), on_gone(), on_no_record() or on_get_failed().
    struct Get {
        EngagementOfSite what;
    };
    /// Compare these records with the tables; on_compared().
    struct Compare {
        std::shared_ptr<const Batch> batch;
    };
    /// Load these records, even if they seem unchanged, and compare them; on_loaded().
    struct Load {
        std::shared_ptr<const Batch> batch;
    };
    /// Mark these as missing at the source; on_marked().
    struct Mark {
        Day day = 0;
        std::vector<GoneEngagement> engagements;
    };
    /// Write what was found of a day; on_recorded().
    struct Record {
        VerifiedDay day;
    };
    /// Nothing to do before the next event or, if it is set, before `until`.
    struct Wait {
        std::optional<Milliseconds> until;
    };
    struct End {};
    using Step = std::variant<List, Scan, Get, Compare, Load, Mark, Record, Wait, End>;
    /// Call after each event until it returns Wait or End.
    Step next(Milliseconds now);

    const VerificationSpec& spec() const { return spec_; }
    /// Before the first step: engagements that names of queues were read from. They are asked for unless the
    /// listing shows legs, because a name may have come with a leg.
    void on_name_sources(std::vector<QueueNameSource> sources) { name_sources_ = std::move(sources); }

    /// False while listings have to wait because too many engagements are under suspicion.
    bool has_room() const { return suspects_.size() < kMaxSuspects; }

    /// Records of a listing, with what the comparison of them found; `rejected`: ids of records that cannot
    /// be read, which are neither missing nor gone.
    void on_page(Day day, const std::string& site, const Batch& batch,
                 const std::vector<RecordComparison>& found);
    void on_listed(Day day, const std::string& site);
    void on_list_failed(Day day, const std::string& site, const ExitStatus& outcome);
    void on_stored(Day day, const std::vector<StoredListing>& listings);
    void on_scanned(Day day);

    void on_record(const EngagementOfSite& what, FetchedEngagement record);
    /// 404 or 410.
    void on_gone(const EngagementOfSite& what, Instant asked_at);
    /// The record cannot be read.
    void on_no_record(const EngagementOfSite& what);
    void on_get_failed(const EngagementOfSite& what, const ExitStatus& outcome);
    void on_compared(const Batch& batch, const std::vector<RecordComparison>& found, Milliseconds now);
    void on_loaded(const Batch& batch, const std::vector<RecordComparison>& still_different);
    void on_marked(Day day, const std::vector<std::string>& marked);
    void on_recorded();
    /// The sink failed at a step, whose subject has no result then.
    void on_failed(const Step& step, const ExitStatus& outcome);
    /// The program stops: nothing new is begun.
    void stop() { stopped_ = true; }

    const std::vector<Difference>& differences() const { return differences_; }
    /// By day and site, those with a result.
    const std::map<std::pair<Instant, std::string>, DayCounts>& results() const { return results_; }
    const ExitStatus& outcome() const { return outcome_; }
    std::int64_t compared() const { return compared_; }
    std::size_t days() const { return days_.size(); }
    std::size_t days_done() const { return closed_; }
    /// Sites and days with an implausible number of gone engagements: none of these was marked.
    const std::vector<std::pair<Instant, std::string>>& implausible() const { return implausible_; }

    static constexpr std::size_t kMaxSuspects = 5'000;
    /// Records of GETs that are compared in one transaction.
    static constexpr std::size_t kBatch = 100;

  private:
    enum class Why { differs, unlisted, sampled };
    struct Suspect {
        Day day = 0;
        Why why = Why::differs;
        bool is_counted = true;  // among the listed ones of its day
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
        int suspects = 0;  // open ones, and loads that are not through
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

    void suspect(Day day, const std::string& site, const std::string& id, Why why, bool is_counted);
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
    std::set<std::pair<Milliseconds, EngagementOfSite>> due_;  // suspects to be asked for, by when
    int getting_ = 0;
    int comparing_ = 0;
    int writing_ = 0;
    std::vector<FetchedEngagement> responses_;  // to be compared
    std::vector<FetchedEngagement> to_load_;

    std::vector<QueueNameSource> name_sources_;
    std::map<EngagementOfSite, std::size_t> known_;  // into differences_
    std::vector<Difference> differences_;
    std::map<std::pair<Instant, std::string>, DayCounts> results_;
    std::vector<std::pair<Instant, std::string>> implausible_;
    ExitStatus outcome_;
    std::int64_t compared_ = 0;
    bool stopped_ = false;
};

}  // namespace glia
