#include "sinks/sqlite/state_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <system_error>

#include "sinks/sink_error.hpp"
#include "sinks/sqlite/sql.hpp"

namespace glia::sqlite {
namespace {

/// Ensures that one program at a time writes. The kernel releases the lock when the process ends.
class Lock {
  public:
    Lock(const std::string& state, const files::OnTightened& on_tightened) {
        const std::string path = state + ".lock";
        files::tighten(path, files::kStateMode, on_tightened);
        descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, files::kStateMode);
        if (descriptor_ < 0) {
            throw SinkError(SinkError::Kind::misconfigured, "opening " + path + ": " +
                                                                std::generic_category().message(errno) +
                                                                "; is sink.ndjson right?");
        }
        if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
            close(descriptor_);
            throw SinkError(SinkError::Kind::unavailable,
                            "another glia-sync writes to " + state + "; let it end first");
        }
    }
    ~Lock() { close(descriptor_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

  private:
    int descriptor_ = -1;
};

WriterPosition read_position(Connection& connection) {
    const Row row = connection.run(sql::read_output).at(0);
    return {row.text(0), row.integer(1), row.instant(2), row.integer(3)};
}

void save_position(Connection& connection, const WriterPosition& position) {
    connection.run(sql::write_output,
                   {value(position.file), position.length, value(position.begun_at), position.sequence});
}

}  // namespace

/// The open state file and its writer. The threads of the program share it; during a reload, so do the old
/// and the new configuration.
struct StateFile::Shared {
    explicit Shared(const Settings& settings)
        : lock(settings.state, settings.on_tightened),
          connection(settings.state, true, settings.on_tightened) {
        connection.migrate();
        connection.transact([&] {
            connection.run(sql::free_leases);
            connection.run(sql::free_windows);
            connection.run(sql::free_work);
            connection.run(sql::bound_revisits);
            connection.run(sql::bound_work);
            connection.run(sql::bound_ongoing);
        });
        position = read_position(connection);
        open_writer(settings);
    }
    ~Shared() {
        try {
            finish();  // completes the open file, so that its readers can process it
        } catch (const SinkError&) {
            // the next program continues with the open file
        }
    }

    /// Changes the destination to that of `settings`. If it differs, completes the open file first.
    void use(const Settings& settings) {
        if (settings.destination == destination) return;
        finish();
        open_writer(settings);
    }
    void open_writer(const Settings& settings) {
        writer = settings.make_writer();
        writer->resume(position);
        destination = settings.destination;
    }
    bool is_full(const Rotation& rotation) const {
        if (!position.file || position.length == 0) return false;
        const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
        return position.length >= rotation.bytes ||
               (position.begun_at && now - *position.begun_at >= rotation.every);
    }
    void finish() {
        if (!position.file) return;
        position = writer->finish();
        connection.transact([&] { save_position(connection, position); });
    }

    std::mutex mutex;
    Lock lock;
    Connection connection;
    WriterPosition position;  // as committed
    std::string destination;
    std::unique_ptr<RecordWriter> writer;
};

StateFile::StateFile(Settings settings) : settings_(std::move(settings)) {}
StateFile::~StateFile() = default;

StateFile::Shared& StateFile::shared() {
    if (shared_) return *shared_;
    static std::mutex mutex;
    static std::map<std::string, std::weak_ptr<Shared>> open;
    const std::lock_guard guard(mutex);
    auto& slot = open[settings_.state];
    shared_ = slot.lock();
    if (!shared_) slot = shared_ = std::make_shared<Shared>(settings_);
    return *shared_;
}

int StateFile::migrate() {
    require_writable();
    Shared& open = shared();
    const std::lock_guard guard(open.mutex);
    return open.connection.migrate();
}

bool StateFile::exists() const {
    return access(settings_.state.c_str(), F_OK) == 0 || errno != ENOENT;
}

void StateFile::require_writable() const {
    settings_.make_writer()->require_writable();
}

void StateFile::run_transaction(const std::function<void(Connection&, RecordWriter&)>& work,
                                bool with_records) {
    Shared& open = shared();
    const std::lock_guard guard(open.mutex);
    if (open.is_full(settings_.rotation)) open.finish();
    open.use(settings_);
    if (!with_records) return open.connection.transact([&] { work(open.connection, *open.writer); });
    WriterPosition position;
    try {
        open.connection.transact([&] { work(open.connection, *open.writer); },
                                 [&] {
                                     position = open.writer->flush(open.connection.now());
                                     if (position != open.position) save_position(open.connection, position);
                                 });
    } catch (...) {
        open.writer->resume(open.position);
        throw;
    }
    open.position = position;
}

}  // namespace glia::sqlite
