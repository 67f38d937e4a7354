// A batch into the data tables, inside a transaction that the caller owns.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/enrichment.hpp"
#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// Whether it pays to look at what is stored of a time before asking for each engagement. Of a backfill of
/// one site it does; where many sites share a time, most of it is stored already when the last of them is
/// read. After looks that told nothing, fewer are taken.
class Looks {
  public:
    bool worth_one() {
        if (left_out_ == 0) return true;
        --left_out_;
        return false;
    }
    void told(bool something) {
        pause_ = something ? 0 : std::min(std::max(1, 2 * pause_), kLongestPause);
        left_out_ = pause_;
    }

    /// The sites that listed engagements first, as last read from the index; empty: to be read. A site that
    /// is missing costs a COPY that fails, and is then found.
    std::vector<std::string> first_sites;

  private:
    static constexpr int kLongestPause = 64;
    int pause_ = 0;
    int left_out_ = 0;
};

/// Writes what plan_merge() decides for each record: what is unchanged costs no write and no row lock, what
/// is new goes in by COPY, what changed is merged. The counts are in the order of the batches, which end in
/// the tables as if they had been written one after the other. `wishes`: what is asked for of engagements
/// that are new or have changed. `looks`: of the session.
std::vector<CommitCounts> write_batches(Transaction& tx, const std::vector<const Batch*>& batches,
                                        const EnrichmentWishes& wishes, Looks& looks);
CommitCounts write_batch(Transaction& tx, const Batch& batch, const EnrichmentWishes& wishes, Looks& looks);

/// The same, each engagement under a savepoint of its own: one that the database refuses goes to
/// rejected_records.
CommitCounts write_one_by_one(Transaction& tx, const Batch& batch, const EnrichmentWishes& wishes,
                              Looks& looks);

}  // namespace glia::postgres
