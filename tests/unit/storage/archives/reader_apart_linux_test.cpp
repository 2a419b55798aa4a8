#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>

#include "storage/archives/reader_answer.hpp"
#include "storage/archives/reader_apart.hpp"
#include "storage/archives/reader_frame.hpp"
#include "tests/support/unpacking.hpp"
#include "tests/unit/storage/archives/packed_file.hpp"

using storage::BundleFormat;
using storage::FrameKind;
using storage::ReaderApart;
using namespace std::chrono_literals;
using Packed = test::PackedFile;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// How a confined process ended: 0 when it did what it tried, the system's error, or minus its signal.
int end_of(std::string_view reader) {
  auto words = test::bad_reader(reader);
  std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
  std::array<char*, 1> none{};
  pid_t process = 0;
  REQUIRE(::posix_spawn(&process, words[0].c_str(), nullptr, nullptr, arguments.data(), none.data()) == 0);
  int status = 0;
  REQUIRE(::waitpid(process, &status, 0) == process);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

TEST_CASE("a reader that a signal ends is a reason to reject") {
  const Packed packed;
  CHECK(test::has(packed.reason_by("dies"), sanitized ? "ended with status" : "was killed (SIGSEGV)"));
  CHECK(test::has(packed.reason_by("is killed"),
                  "was killed (SIGKILL, as by a kernel that is short of memory)"));
}

TEST_CASE("a reader that says nothing is ended, and is a reason to reject") {
  CHECK(test::has(Packed().reason_by("sleeps", 10ms), "said nothing for 0 s and was ended"));
  CHECK(::waitpid(-1, nullptr, 0) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("a disk that fails, and a system that confines nobody, is not the archive's fault") {
  const Packed packed;
  CHECK_THROWS_WITH_AS(packed.format_by("cannot read"), "cannot read the bundle: Input/output error",
                       std::system_error);
  CHECK_THROWS_AS(packed.format_by("is not confined"), std::system_error);
  CHECK_THROWS_AS(ReaderApart({"/nonexistent", "x"}).format_of(packed.file, {}), std::system_error);
}

TEST_CASE("a signal that a whole group of processes gets does not end a reader") {
  CHECK(Packed().format_by("signals") == BundleFormat::packed);
}

TEST_CASE("a reader has the archive, the pipe and no other descriptor") {
  test::TempDir dir;
  const storage::Handle inherited(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY));  // not close-on-exec
  REQUIRE(inherited);
  CHECK(Packed().format_by("knows descriptors") == BundleFormat::packed);
}

TEST_CASE("a reader has no terminal and no folder of who started it") {
  CHECK(Packed().format_by("knows the caller") == BundleFormat::packed);
}

TEST_CASE("a confined reader can read, and nothing else") {
  for (const auto* refused : {"opens", "opens below", "makes", "examines"}) {
    CAPTURE(refused);
    CHECK(end_of(refused) == EACCES);
  }
  for (const auto* deadly :
       {"unlinks", "connects", "forks", "executes", "traces", "looks into others", "kills", "maps code"}) {
    CAPTURE(deadly);
    CHECK(end_of(deadly) == -SIGSYS);
  }
}

TEST_CASE("a confined reader has so much memory, and cannot raise a limit" * doctest::skip(sanitized)) {
  CHECK(end_of("eats") == ENOMEM);
  CHECK(end_of("takes more") == -SIGSYS);
}

TEST_CASE("a reader says of a disk that it fails, and never that the file was touched") {
  const auto said = [](std::string_view code) {
    try {
      storage::ReaderAnswer(storage::UnpackLimits{}).take(FrameKind::failed, std::as_bytes(std::span(code)));
    } catch (const std::system_error& error) {
      return error.code();
    }
    return std::error_code{};
  };
  CHECK(said({"\x0c\0\0\0", 4}) == std::errc::not_enough_memory);
  for (const std::string_view code :
       {std::string_view("\x0b\0\0\0", 4), std::string_view("\0\0\0\0", 4), std::string_view("\x02\0\0\0", 4),
        std::string_view("\xff\xff\xff\xff", 4)})
    CHECK(said(code) == std::errc::io_error);
}
