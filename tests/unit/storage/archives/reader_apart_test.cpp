#include "storage/archives/reader_apart.hpp"

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
#include "storage/archives/reader_frame.hpp"
#include "storage/archives/reader_job.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/archives/staged_members.hpp"
#include "storage/files/plain_file.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/unpacking.hpp"
#include "tests/support/zip_writer.hpp"
#include "tests/unit/storage/archives/bad_readers.hpp"

using storage::BundleFormat;
using storage::FrameKind;
using storage::ReaderAnswer;
using storage::ReaderApart;
using storage::Rejected;
using namespace std::chrono_literals;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// A file that is packed by gzip, as far as its first bytes tell.
struct Packed {
  test::TempDir dir;
  storage::File file = storage::open_plain_file(dir.write("packed", "\x1f\x8b"));
  storage::UnpackLimits limits;

  BundleFormat format_by(std::string_view reader, std::chrono::milliseconds patience = 1min) const {
    return ReaderApart(test::bad_reader(reader), patience).format_of(file, limits);
  }
  std::string reason_by(std::string_view reader, std::chrono::milliseconds patience = 1min) const {
    try {
      format_by(reader, patience);
    } catch (const Rejected& e) {
      return e.what();
    }
    return "";
  }
};

struct Sink final : storage::MemberSink {
  std::string heard;
  void expect(std::uint64_t bytes) override { heard += "expect " + std::to_string(bytes) + "\n"; }
  void begin(const std::string& name, std::uint64_t) override { heard += "begin " + name + "\n"; }
  void write(std::span<const std::byte> bytes) override {
    heard += "data " + std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) + "\n";
  }
  void end() override { heard += "end\n"; }
  void leave_out(const std::string& raw) override { heard += "left " + raw + "\n"; }
  void take(std::uint64_t bytes) override { heard += "take " + std::to_string(bytes) + "\n"; }
};

struct Answered {
  storage::UnpackLimits limits{.max_members = 3, .max_total = 100};
  Sink sink;
  ReaderAnswer answer{limits, &sink, 100};

  bool take(FrameKind kind, std::string_view text = {}) {
    return answer.take(kind, std::as_bytes(std::span(text)));
  }
  bool begin(std::string_view name, std::uint64_t size) {
    const auto number = storage::encoded(size);
    return take(FrameKind::begin, std::string(reinterpret_cast<const char*>(number.data()), 8).append(name));
  }
  bool number(FrameKind kind, std::uint64_t said) {
    const auto bytes = storage::encoded(said);
    return answer.take(kind, bytes);
  }
};

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

TEST_CASE("a process apart reads an archive") {
  test::TempDir dir;
  const auto archive =
      test::zip({{"C9800/version.info", "17.9.4\n"}, {"C9800/Thumbs.db", "x"}, {"C9800/ap1g8", "abc"}});
  const auto file = storage::open_plain_file(dir.write("bundle", archive));
  std::filesystem::create_directory(dir / "target");
  std::uint64_t heard = 0;
  storage::StagedMembers staged(dir / "target", [&heard](std::uint64_t bytes) { heard += bytes; });
  ReaderApart().unpack(file, BundleFormat::zip, {}, staged);
  const auto unpacked = staged.finish();
  REQUIRE(unpacked.members.size() == 2);
  CHECK(unpacked.members[0] ==
        storage::Member{"ap1g8", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"});
  CHECK(test::content_of(dir / "target/version.info") == "17.9.4\n");
  CHECK(unpacked.left_out == std::vector<std::string>{"C9800/Thumbs.db"});
  CHECK(heard > 0);
}

TEST_CASE("a reader that dies is a reason to reject") {
  const Packed packed;
  CHECK(test::has(packed.reason_by("dies"), sanitized ? "ended with status" : "was killed (SIGSEGV)"));
  CHECK(test::has(packed.reason_by("is killed"),
                  "was killed (SIGKILL, as by a kernel that is short of memory)"));
  CHECK(test::has(packed.reason_by("ends"), "ended with status 3"));
  CHECK(test::has(packed.reason_by("breaks off"), "ended with status 0"));
  CHECK(test::has(packed.reason_by("babbles"), "says what means nothing"));
  CHECK(test::has(packed.reason_by("has no memory"), "takes more memory than apdepot gives it"));
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

TEST_CASE("what a reader says is passed on in order") {
  Answered answered;
  CHECK_FALSE(answered.take(FrameKind::expect, {"\x03\0\0\0\0\0\0\0", 8}));
  CHECK_FALSE(answered.begin("ap1g8", 3));
  CHECK_FALSE(answered.take(FrameKind::data, "ab"));
  CHECK_FALSE(answered.take(FrameKind::data, "c"));
  CHECK_FALSE(answered.take(FrameKind::end));
  CHECK_FALSE(answered.take(FrameKind::leave_out, "Thumbs.db"));
  CHECK_FALSE(answered.take(FrameKind::take, {"\x09\0\0\0\0\0\0\0", 8}));
  CHECK(answered.take(FrameKind::done));
  CHECK(answered.sink.heard == "expect 3\nbegin ap1g8\ndata ab\ndata c\nend\nleft Thumbs.db\ntake 9\n");
}

TEST_CASE("a reader that was taken over gives no name that may not be") {
  for (const auto* name :
       {"../ap1g8", "/etc/passwd", "folder/ap1g8", "folder/", ".", "..", "", "Thumbs.db", "a\nb"}) {
    CAPTURE(name);
    Answered answered;
    CHECK_THROWS_AS(answered.begin(name, 1), Rejected);
    CHECK(answered.sink.heard.empty());
  }
  Answered answered;
  answered.begin("ap1g8", 0);
  answered.take(FrameKind::end);
  CHECK_THROWS_AS(answered.begin("AP1G8", 0), Rejected);
}

TEST_CASE("a reader that was taken over gives neither more nor less than it said") {
  SUBCASE("more bytes of a member") {
    Answered answered;
    answered.begin("ap1g8", 2);
    CHECK_THROWS_AS(answered.take(FrameKind::data, "abc"), Rejected);
    CHECK(answered.sink.heard == "begin ap1g8\n");
  }
  SUBCASE("fewer") {
    Answered answered;
    answered.begin("ap1g8", 2);
    answered.take(FrameKind::data, "a");
    CHECK_THROWS_AS(answered.take(FrameKind::end), Rejected);
  }
  SUBCASE("more bytes in all") {
    Answered answered;
    answered.begin("a", 60);
    answered.take(FrameKind::data, std::string(60, 'x'));
    answered.take(FrameKind::end);
    CHECK_THROWS_AS(answered.begin("b", 60), Rejected);
  }
  SUBCASE("more members") {
    Answered answered;
    for (const auto* name : {"a", "b", "c"}) {
      answered.begin(name, 0);
      answered.take(FrameKind::end);
    }
    CHECK_THROWS_AS(answered.begin("d", 0), Rejected);
  }
  SUBCASE("more that is left out") {
    Answered answered;
    for (int i = 0; i < 3; ++i) answered.take(FrameKind::leave_out, "Thumbs.db");
    CHECK_THROWS_AS(answered.take(FrameKind::leave_out, "Thumbs.db"), Rejected);
  }
}

TEST_CASE("a reader that was taken over keeps to the order") {
  const auto refused = [](FrameKind kind, std::string_view text = {}) {
    Answered answered;
    CHECK_THROWS_AS(answered.take(kind, text), Rejected);
  };
  refused(FrameKind::data, "x");
  refused(FrameKind::end);
  refused(FrameKind::done);
  refused(FrameKind::format, {"\0", 1});
  Answered answered;
  answered.begin("a", 0);
  CHECK_THROWS_AS(answered.take(FrameKind::done), Rejected);
  CHECK_THROWS_AS(answered.begin("b", 0), Rejected);
  ReaderAnswer format(storage::UnpackLimits{});
  CHECK_THROWS_AS(format.take(FrameKind::done, {}), Rejected);
  CHECK_THROWS_AS(format.take(FrameKind::end, {}), Rejected);
  const std::byte unknown{6};
  CHECK_THROWS_AS(format.take(FrameKind::format, {&unknown, 1}), Rejected);
}

TEST_CASE("a reader that was taken over cannot go on for ever without a word about the archive") {
  SUBCASE("it expects more and more") {
    Answered answered;
    answered.number(FrameKind::expect, 1);
    CHECK_THROWS_AS(answered.number(FrameKind::expect, 1), Rejected);
  }
  SUBCASE("it expects in the middle") {
    Answered answered;
    answered.begin("ap1g8", 0);
    CHECK_THROWS_AS(answered.number(FrameKind::expect, 1), Rejected);
  }
  SUBCASE("it has read nothing more") {
    Answered answered;
    CHECK_THROWS_AS(answered.number(FrameKind::take, 0), Rejected);
  }
  SUBCASE("it has read more than there is to read") {
    Answered answered;
    constexpr std::uint64_t block = 256 << 10, at_most = 2 * 100 + (3 + 16) * block;
    for (std::uint64_t taken = 0; taken + block <= at_most; taken += block)
      answered.number(FrameKind::take, block);
    CHECK_THROWS_AS(answered.number(FrameKind::take, block), Rejected);
    CHECK_THROWS_AS(Answered().number(FrameKind::take, UINT64_MAX), Rejected);
  }
}

TEST_CASE("a reader says of a disk that it fails, and never that the file was touched") {
  const auto said = [](std::string_view code) {
    try {
      Answered().take(FrameKind::failed, code);
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

TEST_CASE("a reason of a reader is one line") {
  Answered answered;
  CHECK_THROWS_WITH_AS(answered.take(FrameKind::rejected, "bad\nFAKE \x1b[2J"), "bad FAKE [2J", Rejected);
}

TEST_CASE("a frame's head says its kind and how long it is, within bounds") {
  const auto parsed = [](FrameKind kind, std::size_t size) {
    return storage::parse_frame_head(
        storage::encoded(storage::FrameHead{kind, static_cast<std::uint32_t>(size)}));
  };
  REQUIRE(parsed(FrameKind::data, storage::most_data));
  CHECK(parsed(FrameKind::data, 0x1234)->size == 0x1234);
  CHECK_FALSE(parsed(FrameKind::data, storage::most_data + 1));
  CHECK_FALSE(parsed(FrameKind::data, 0));
  CHECK_FALSE(parsed(FrameKind::begin, 8));
  CHECK_FALSE(parsed(FrameKind::begin, 9 + storage::longest_frame_text));
  CHECK_FALSE(parsed(FrameKind::take, 7));
  CHECK_FALSE(parsed(FrameKind::rejected, 0));
  CHECK_FALSE(parsed(FrameKind::done, 1));
  CHECK_FALSE(parsed(static_cast<FrameKind>(12), 0));
  CHECK_FALSE(parsed(FrameKind::data, UINT32_MAX));
}

TEST_CASE("a reader's job goes by a command line") {
  for (const auto format :
       {BundleFormat::zip, BundleFormat::tar, BundleFormat::tar_gz, BundleFormat::tar_xz}) {
    const storage::ReaderJob job{format, {.max_members = 7, .max_total = UINT64_MAX, .max_ratio = 9}};
    auto words = storage::words_of(job);
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    const auto parsed = storage::parse_reader_job(pointers);
    REQUIRE(parsed);
    CHECK(parsed->unpack == format);
    CHECK(parsed->limits == job.limits);
    pointers.pop_back();
    CHECK_FALSE(storage::parse_reader_job(pointers));
  }
}
