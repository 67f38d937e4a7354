#include "daemon/sync/pass.hpp"

#include <functional>
#include <utility>

#include "sinks/commit_invariants.hpp"

namespace glia {

// The documentation describes start_date as inclusive ("from start_date forward") and as exclusive ("after
// the start_date"). Sending it one millisecond earlier, the API's resolution, is correct in both cases.
constexpr std::chrono::milliseconds kStartSlack{1};

Pass::Pass(PassTarget target, OpenPass pass, std::optional<SiteRelease> release)
    : target_(std::move(target)), pass_(std::move(pass)), release_(std::move(release)) {
    if (pass_.next_page) seen_links_.insert(std::hash<std::string>{}(*pass_.next_page));
    // Without the time of its first page a resumed pass could not move the watermark: it begins again.
    if (!pass_.started_at) forget_link();
}

PageRequest Pass::next() const {
    if (pass_.next_page) return LinkedPageRequest{*pass_.next_page};
    return FirstPageRequest{pass_.from - kStartSlack, pass_.to};
}

void Pass::on_page(const PageInput& page) {
    if (!pass_.next_page) {  // the first page of the window
        pass_.started_at = page.asked_at;
        pass_.pages = 0;
        pass_.engagements = 0;
        seen_links_.clear();
    }
    ++pass_.pages;
    pass_.engagements += page.engagements;
    rejected_ += page.rejected;
    requests_ += page.requests;
    pass_.next_page = page.next_page;
    if (!page.next_page) {
        complete_ = true;
        return;
    }
    if (!seen_links_.insert(std::hash<std::string>{}(*page.next_page)).second) {
        error_ = "next_page repeats itself after " + std::to_string(pass_.pages) +
                 " pages; the listing would never end, so the pass begins again later";
        forget_link();
    }
}

bool Pass::on_link_failure(LinkFailure failure, const std::string& message) {
    if (failure == LinkFailure::transient) {
        error_ = message;
        return false;
    }
    forget_link();
    if (failure == LinkFailure::untrusted) {
        error_ = message;
        return false;
    }
    if (++restarts_ > kMaxRestarts) {
        error_ = "the cursor ended " + std::to_string(restarts_) + " times before the last page: " + message;
        return false;
    }
    return true;
}

PassCheckpoint Pass::checkpoint() const {
    PassCheckpoint checkpoint;
    checkpoint.target = target_;
    checkpoint.pass = pass_;
    checkpoint.complete = complete_;
    if (complete_ && std::holds_alternative<SiteTarget>(target_)) {
        checkpoint.watermark = pass_.started_at;
        checkpoint.release = release_;
    }
    checkpoint.requests = requests_;
    checkpoint.rejected = rejected_;
    check_checkpoint(checkpoint);
    return checkpoint;
}

}  // namespace glia
