// forget export, forget import: copy tombstones to another database, so that it does not load erased data
// again.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>
#include <utility>

#include "daemon/cli/bootstrap.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/cli/terminal.hpp"
#include "daemon/parse/tombstone_file.hpp"
#include "daemon/sync/erasure.hpp"

namespace glia::cli {
namespace {

namespace fs = std::filesystem;

// Exit codes of sysexits.h.
constexpr int kDataError = 65;
constexpr int kNoInput = 66;
// Tombstones in memory at a time.
constexpr std::int64_t kPerPage = 5000;
constexpr const char* kStandardStream = "-";

std::string system_error() {
    return std::generic_category().message(errno);
}

/// A file that is renamed into place once it is complete; an existing file stays until then. A device or a
/// pipe is written directly. Only the owner can read the file.
class NewFile {
  public:
    explicit NewFile(const std::string& path) : path_(path), temporary_(path) {
        std::error_code error;
        if (fs::exists(path, error)) path_ = temporary_ = fs::canonical(path, error).string();
        replaces_ = !fs::exists(path_, error) || fs::is_regular_file(path_, error);
        if (replaces_) temporary_ += ".new";
        descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        failed_ = descriptor_ < 0;
        if (!failed_ && replaces_) failed_ = fchmod(descriptor_, 0600) != 0;
        if (failed_) error_ = system_error();
    }
    ~NewFile() {
        if (descriptor_ < 0) return;
        close(descriptor_);
        if (replaces_) unlink(temporary_.c_str());
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    void write(std::string_view text) {
        while (!failed_ && !text.empty()) {
            const ssize_t written = ::write(descriptor_, text.data(), text.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return fail();
            text.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    /// Completes the file. Returns an empty text on success, else the reason.
    std::string finish() {
        if (!failed_ && replaces_ && fsync(descriptor_) != 0) fail();
        if (!failed_ && replaces_ && rename(temporary_.c_str(), path_.c_str()) != 0) fail();
        if (failed_) return error_;
        close(std::exchange(descriptor_, -1));
        return "";
    }

  private:
    void fail() {
        failed_ = true;
        error_ = system_error();
    }

    std::string path_;
    std::string temporary_;
    std::string error_;
    int descriptor_ = -1;
    bool replaces_ = true;
    bool failed_ = false;
};

/// Calls `write` with all tombstones of the sink as lines of the file. Returns their number.
template <typename Write>
std::size_t export_all(Sink& sink, Write write) {
    std::size_t count = 0;
    std::optional<Tombstone> last;
    write(tombstone_file_head());
    for (;;) {
        const std::vector<Tombstone> page = sink.erasures().tombstones(last, kPerPage);
        if (page.empty()) break;
        std::string lines;
        for (const Tombstone& tombstone : page) lines += tombstone_line(tombstone);
        write(lines);
        count += page.size();
        last = page.back();
    }
    write(tombstone_file_end(count));
    return count;
}

/// Reads a tombstone file. If that fails, prints the reason, sets `code` and returns none.
std::optional<std::vector<Tombstone>> read_file(const std::string& path, int& code) {
    const bool standard = path == kStandardStream;
    const std::string name = standard ? "standard input" : path;
    std::ifstream file;
    if (!standard) {
        std::error_code error;
        if (fs::is_directory(path, error)) {
            errno = EISDIR;
        } else {
            file.open(path, std::ios::binary);
        }
        if (!file.is_open()) {
            complain("forget import: " + name + ": " + system_error());
            code = kNoInput;
            return std::nullopt;
        }
    }
    std::string why;
    auto tombstones = read_tombstones(standard ? std::cin : file, why);
    if (tombstones) return tombstones;
    complain("forget import: " + name + ": " + why + "; nothing was imported");
    code = kDataError;
    return std::nullopt;
}

Task<int> import_now(Instance& instance, std::vector<Tombstone> tombstones) {
    const std::size_t count = tombstones.size();
    const auto add = [all = std::move(tombstones)](Sink& sink) {
        return sink.erasures().add_tombstones(all);
    };
    const std::int64_t added = co_await instance.sink_pool.run(add);
    ErasureQueue orders;
    const Erased erased = co_await erase_ordered(instance, orders);
    const std::int64_t files_left = co_await erase_recordings(instance);
    std::cout << "imported " << count << " tombstones, " << added << " of them new: " << erased.engagements
              << " engagements and " << erased.rejected
              << " rejected records erased, and name and contact of " << erased.operators << " operators"
              << std::endl;
    print_files_left(files_left);
    co_return 0;
}

}  // namespace

int forget_export(const std::string& config, const ForgetOptions& options) {
    return guarded([&] {
        const auto sink = open_sink(load_settings(config));
        sink->require_schema();
        if (options.file == kStandardStream) {
            export_all(*sink, [](const std::string& text) { std::cout << text; });
            std::cout.flush();
            return 0;
        }
        NewFile file(options.file);
        const std::size_t count = export_all(*sink, [&](const std::string& text) { file.write(text); });
        const std::string error = file.finish();
        if (!error.empty()) {
            complain("forget export: " + options.file + ": " + error);
            return kOutputLost;
        }
        std::cout << "exported " << count << " tombstones to " << options.file << std::endl;
        return 0;
    });
}

int forget_import(const std::string& config, const ForgetOptions& options) {
    int code = 0;
    auto tombstones = read_file(options.file, code);
    if (!tombstones) return code;
    if (!options.yes && has_person() &&
        !agrees("This will erase the data of the " + std::to_string(tombstones->size()) +
                " visitors, engagements and operators in " + options.file +
                " from the database, for good.")) {
        complain("nothing was changed");
        return exit_code(ExitReason::stopped);
    }
    static constexpr int kConnections = 1;
    return with_instance(config, kConnections, [&tombstones](Instance& instance) -> Task<int> {
        std::optional<SinkError> failure;
        int result = 0;
        try {
            result = co_await import_now(instance, std::move(*tombstones));
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (!failure) co_return result;
        complain(std::string(failure->what()) + "; run it again to continue");
        co_return exit_code(instance.exit_status_of(*failure).reason);
    });
}

}  // namespace glia::cli
