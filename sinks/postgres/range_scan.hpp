// Decides when a commit scans an index range instead of looking up each id.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace glia::postgres {

/// The numbers of rows from which a scan of an index range replaces lookups by id. They affect the speed
/// only; a test sets them to zero and to their maximum.
struct ScanThresholds {
    /// List items of one site. For fewer items, lookups cost less than a scan, unless all are unchanged.
    std::size_t min_rows_for_hash_scan = 8;
    /// Items of a commit. A scan over all sites costs as much as a few hundred lookups.
    std::size_t min_rows_for_range_scan = 200;
    /// Maximum number of skipped scans after scans that did not help.
    int max_skipped_scans = 64;
};

/// Skips range scans after scans that did not help, with a doubling number of skips. A scan helps while a
/// backfill loads an empty range. It does not help if another site has listed the same engagements first.
class RangeScanBackoff {
  public:
    explicit RangeScanBackoff(int max_skipped) : max_skipped_(max_skipped) {}

    bool should_scan() {
        if (skip_ == 0) return true;
        --skip_;
        return false;
    }
    void record(bool helped) {
        pause_ = helped ? 0 : std::min(std::max(1, 2 * pause_), max_skipped_);
        skip_ = pause_;
    }

  private:
    int max_skipped_;
    int pause_ = 0;
    int skip_ = 0;
};

/// A connection's memory of its scans between commits.
struct ScanMemory {
    explicit ScanMemory(ScanThresholds limits) : thresholds(limits), backoff(limits.max_skipped_scans) {}

    ScanThresholds thresholds;
    RangeScanBackoff backoff;
    /// The sites that listed engagements first, as last read from the index; empty if they have to be read.
    /// If a site is missing here, a scan does not find its engagements: their COPY fails, and the list is
    /// read again.
    std::vector<std::string> first_sites;
};

}  // namespace glia::postgres
