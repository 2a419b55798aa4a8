#pragma once
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

namespace test {

// A process of its own, in which a test changes what all threads share. Its descriptor for the answer is
// `answer_handle` or above, so that the ones below are the test's.
class Child {
 public:
  static constexpr int answer_handle = 200;

  // `work` returns the text that answer() gives.
  template <class Work>
  explicit Child(Work work) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    process_ = ::fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) {
      const int out = ::fcntl(ends[1], F_DUPFD_CLOEXEC, answer_handle);
      ::close(ends[0]);
      ::close(ends[1]);
      std::string said;
      try {
        said = work();
      } catch (...) {
        said = "an exception";
      }
      ::_exit(::write(out, said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
    }
    ::close(ends[1]);
    answers_ = ends[0];
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { static_cast<void>(answer()); }

  // Waits until the process ends.
  std::string answer() {
    if (process_ <= 0) return answer_;
    std::array<char, 4096> buffer{};
    for (ssize_t size = 0; (size = ::read(answers_, buffer.data(), buffer.size())) > 0;)
      answer_.append(buffer.data(), static_cast<std::size_t>(size));
    ::close(answers_);
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) answer_ += " (it failed)";
    return answer_;
  }

 private:
  pid_t process_ = 0;
  int answers_ = -1;
  std::string answer_;
};

template <class Work>
std::string in_a_child(Work work) {
  return Child(work).answer();
}

}  // namespace test
