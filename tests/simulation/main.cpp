// Runs the core of the program (daemon/sync, sinks/merge) through seeded histories in virtual time: a
// modelled API that changes and fails, a modelled database, crashes, several instances.
//
//   simulation                          100,000 histories
//   simulation --forever                until stopped, from a random seed on
//   simulation --seed S [--keep 1,2,3]  one history, with a log of its events
//   mutants/NAME --finds NAME           a build with the fault of mutants/NAME.patch: one history must fail
#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdint>
#include <iostream>
#include <limits>
#include <mutex>
#include <random>
#include <thread>

#include "tests/simulation/history.hpp"

namespace {

using namespace simulation;

/// Returns the first seed in [first, first + count) whose history fails, with the error.
std::optional<std::pair<std::uint64_t, std::string>> search(std::uint64_t first, std::uint64_t count,
                                                            int jobs) {
    std::atomic<std::uint64_t> next{first};
    std::mutex mutex;
    std::optional<std::pair<std::uint64_t, std::string>> found;
    std::atomic<bool> over{false};
    const auto work = [&] {
        for (;;) {
            const std::uint64_t seed = next++;
            if (seed - first >= count || over) return;
            const Scenario scenario = make_scenario(seed);
            const std::string wrong = run_history(scenario, all_events(scenario));
            if (wrong.empty()) continue;
            const std::lock_guard lock(mutex);
            if (!found || seed < found->first) found.emplace(seed, wrong);
            over = true;
            return;
        }
    };
    std::vector<std::thread> threads;
    threads.reserve(static_cast<std::size_t>(jobs));
    for (int i = 0; i < jobs; ++i) threads.emplace_back(work);
    for (auto& thread : threads) thread.join();
    return found;
}

std::string joined(const std::vector<int>& kept) {
    std::string text;
    for (const int i : kept) text += (text.empty() ? "" : ",") + std::to_string(i);
    return text;
}

void report(std::uint64_t seed, const std::string& wrong) {
    const Scenario scenario = make_scenario(seed);
    const std::vector<int> kept = shrink(scenario);
    std::cout << "wrong: " << wrong << "\nafter shrinking: " << run_history(scenario, kept)
              << "\nagain: simulation --seed " << seed << " --keep " << (kept.empty() ? "none" : joined(kept))
              << "\n"
              << to_text(scenario, kept) << std::flush;
}

/// Checks in a build with a fault that at least one history finds it.
int find_fault(const std::string& name, std::uint64_t first, std::uint64_t histories, int jobs) {
    const auto found = search(first, histories, jobs);
    std::cout << (found ? "ok" : "FAILED") << " simulation/finds_" << name;
    if (found) std::cout << " (seed " << found->first << ": " << found->second << ")";
    std::cout << std::endl;
    return found ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t histories = 100'000;
    std::uint64_t seed = 0;
    std::uint64_t first = 1;
    std::string keep, fault;
    bool forever = false, quiet = false;
    int jobs = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    CLI::App app("Histories of the core in virtual time", "simulation");
    app.add_option("--histories", histories, "How many")->capture_default_str();
    app.add_option("--first", first, "Seed of the first")->capture_default_str();
    app.add_option("--jobs", jobs, "Threads")->capture_default_str();
    app.add_option("--seed", seed, "This history only, with a log of its events");
    app.add_option("--keep", keep, "With --seed: only these of its events, such as 1,4,5, or none");
    app.add_flag("--quiet", quiet, "With --seed: print the verdict only");
    app.add_flag("--forever", forever, "Until stopped");
    app.add_option("--finds", fault,
                   "One of the histories must go wrong: this build has the fault of that name");
    CLI11_PARSE(app, argc, argv);

    if (seed != 0) {
        const Scenario scenario = make_scenario(seed);
        std::vector<int> kept = all_events(scenario);
        if (!keep.empty()) {
            kept.clear();
            std::istringstream in(keep == "none" ? "" : keep);
            for (std::string part; std::getline(in, part, ',');) kept.push_back(std::stoi(part));
        }
        std::cout << to_text(scenario, kept) << std::flush;
        const std::string wrong = run_history(scenario, kept, !quiet);
        std::cout << (wrong.empty() ? "all is well" : "wrong: " + wrong) << std::endl;
        return wrong.empty() ? 0 : 1;
    }
    if (!fault.empty()) return find_fault(fault, first, histories, jobs);
    if (forever) {
        first = std::random_device{}();
        histories = std::numeric_limits<std::uint64_t>::max() / 2;
        std::cout << "from seed " << first << " on" << std::endl;
    }
    const auto found = search(first, histories, jobs);
    if (!found) {
        std::cout << "ok simulation/" << histories << "_histories_end_as_they_should" << std::endl;
        return 0;
    }
    report(found->first, found->second);
    std::cout << "FAILED simulation/seed_" << found->first << std::endl;
    return 1;
}
