#include "daemon/cli/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iostream>
#include <streambuf>
#include <string>
#include <system_error>

#include "daemon/cli/commands.hpp"

namespace glia::cli {
namespace {

/// Writes to standard output and remembers why it could not.
class OutputBuffer final : public std::streambuf {
  public:
    OutputBuffer() { setp(buffer_.data(), buffer_.data() + buffer_.size()); }

    int error() const { return error_; }

    /// Closes the descriptor, because some errors occur only then, for example on a full network disk.
    void close() {
        if (used_ && ::close(STDOUT_FILENO) != 0 && error_ == 0) error_ = errno;
    }

  protected:
    int_type overflow(int_type c) override {
        if (sync() != 0) return traits_type::eof();
        if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
        return traits_type::not_eof(c);
    }
    int sync() override {
        const char* next = pbase();
        while (next != pptr() && error_ == 0) {
            used_ = true;
            const ssize_t written = write(STDOUT_FILENO, next, static_cast<std::size_t>(pptr() - next));
            if (written >= 0) {
                next += written;
            } else if (errno == EAGAIN) {  // another process that shares the descriptor made it non-blocking
                pollfd ready{STDOUT_FILENO, POLLOUT, 0};
                poll(&ready, 1, -1);
            } else if (errno != EINTR) {
                error_ = errno;
            }
        }
        setp(buffer_.data(), buffer_.data() + buffer_.size());
        return error_ == 0 ? 0 : -1;
    }

  private:
    std::array<char, std::size_t{64} * 1024> buffer_{};
    int error_ = 0;
    bool used_ = false;
};

/// Never destroyed: std::cout refers to it until the process ends.
OutputBuffer& output() {
    static auto& buffer = *new OutputBuffer;
    return buffer;
}

}  // namespace

void prepare_output() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(descriptor, F_GETFD) >= 0) continue;
        // open() returns the lowest free number, which is this one. The wrong access mode makes each use of
        // it fail.
        open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
    std::cout.rdbuf(&output());
}

int finish_output(int code) {
    std::cout.flush();
    output().close();
    if (output().error() == 0 || code != 0) return code;
    complain("standard output: " + std::generic_category().message(output().error()) +
             "; not all of the output was written");
    return kOutputLost;
}

void exit_now(int code) {
    _exit(finish_output(code));
}

}  // namespace glia::cli
