#include "server/os/terminal.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>

#include "tests/unit/server/os/child.hpp"

namespace {

// A terminal with somebody before it.
class Terminal {
 public:
  Terminal() : person_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    std::array<char, 128> name{};
    if (person_ < 0 || ::grantpt(person_) != 0 || ::unlockpt(person_) != 0 ||
        ::ptsname_r(person_, name.data(), name.size()) != 0)
      return;
    name_ = name.data();
    program_ = ::open(name_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    if (program_ >= 0) ::close(program_);
    if (person_ >= 0) ::close(person_);
  }

  bool works() const { return program_ >= 0; }
  int program() const { return program_; }
  void resize(unsigned short columns, unsigned short rows) const {
    const winsize size{rows, columns, 0, 0};
    REQUIRE(::ioctl(program_, TIOCSWINSZ, &size) == 0);
  }
  // Makes it the calling process's own.
  void take() const {
    ::setsid();
    ::close(::open(name_.c_str(), O_RDWR | O_CLOEXEC));
  }
  bool shows_what_is_typed() const {
    termios settings{};
    return ::tcgetattr(program_, &settings) == 0 && (settings.c_lflag & ECHO) != 0;
  }
  void type(std::string_view text) const {
    REQUIRE(::write(person_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  // What it shows until nothing more comes for that long.
  std::string shown(int milliseconds = 0) const {
    std::string text;
    std::array<char, 1024> buffer{};
    for (pollfd wait{person_, POLLIN, 0}; ::poll(&wait, 1, milliseconds) == 1;) {
      const auto size = ::read(person_, buffer.data(), buffer.size());
      if (size <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return text;
  }

 private:
  int person_, program_ = -1;
  std::string name_;
};

const bool has_terminals = Terminal().works();

std::string size_of(const std::function<void()>& prepare) {
  return test::in_a_child([&] {
    prepare();
    const auto size = server::terminal_size();
    return std::to_string(size.columns) + " " + std::to_string(size.rows);
  });
}

// What ask_secret() gives to a program at whose terminal this is typed, and what is seen there.
struct Answer {
  std::string given, seen;
};

Answer answer_to(std::string_view typed) {
  const Terminal terminal;
  test::Child program([&] {
    terminal.take();
    const auto secret = server::ask_secret("Password for ewc: ");
    return secret ? "<" + *secret + ">" : "nothing";
  });
  // It asks first, and only then hides what is typed.
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  Answer answer;
  while (terminal.shows_what_is_typed() && std::chrono::steady_clock::now() < limit)
    answer.seen += terminal.shown(1);
  terminal.type(typed);
  answer.given = program.answer();
  CHECK(terminal.shows_what_is_typed());
  answer.seen += terminal.shown();
  return answer;
}

}  // namespace

TEST_CASE("the terminal's size is asked for, and 80 by 24 where it does not say" *
          doctest::skip(!has_terminals)) {
  const Terminal terminal;
  const auto sized = [&](unsigned short columns, unsigned short rows) {
    terminal.resize(columns, rows);
    return size_of([&] { ::dup2(terminal.program(), STDOUT_FILENO); });
  };
  CHECK(sized(132, 50) == "132 50");
  CHECK(sized(1, 1) == "1 1");
  CHECK(sized(0, 50) == "80 24");
  CHECK(sized(132, 0) == "80 24");
  CHECK(size_of([] { ::dup2(::open("/dev/null", O_RDWR), STDOUT_FILENO); }) == "80 24");
  CHECK(size_of([] { ::close(STDOUT_FILENO); }) == "80 24");
}

TEST_CASE("stdout and stderr are told apart when one of them is a terminal" * doctest::skip(!has_terminals)) {
  const Terminal terminal;
  const auto watched = [&](int stream, int other) {
    return test::in_a_child([&] {
      ::dup2(terminal.program(), stream);
      ::dup2(::open("/dev/null", O_RDWR), other);
      return std::string(server::stdout_is_terminal() ? "stdout " : "") +
             (server::stderr_is_terminal() ? "stderr " : "");
    });
  };
  CHECK(watched(STDOUT_FILENO, STDERR_FILENO) == "stdout ");
  CHECK(watched(STDERR_FILENO, STDOUT_FILENO) == "stderr ");
}

TEST_CASE("somebody can be asked where the process has a terminal, wherever its streams lead" *
          doctest::skip(!has_terminals)) {
  const Terminal terminal;
  CHECK(test::in_a_child([&] {
          terminal.take();
          for (const int stream : {0, 1, 2}) ::close(stream);
          return std::string(server::has_terminal() ? "yes" : "no");
        }) == "yes");
  CHECK(test::in_a_child([&] {
          ::setsid();
          for (const int stream : {0, 1, 2}) ::dup2(terminal.program(), stream);
          return std::string(server::has_terminal() ? "yes" : "no");
        }) == "no");
}

TEST_CASE("a secret is asked for and not shown" * doctest::skip(!has_terminals)) {
  const auto answer = answer_to("geheim und lang\n");
  CHECK(answer.given == "<geheim und lang>");
  CHECK(answer.seen.find("Password for ewc: ") != answer.seen.npos);
  CHECK(answer.seen.find("geheim") == answer.seen.npos);
}

TEST_CASE("an empty secret is an answer, and Ctrl-C and Ctrl-D are none" * doctest::skip(!has_terminals)) {
  CHECK(answer_to("\n").given == "<>");
  CHECK(answer_to("\x03").given == "nothing");
  CHECK(answer_to("\x04").given == "nothing");
}
