#include "storage/archives/reader_apart.hpp"

#include <doctest/doctest.h>

#include <array>
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
#include "tests/unit/storage/archives/packed_file.hpp"

using storage::BundleFormat;
using storage::FrameKind;
using storage::ReaderAnswer;
using storage::ReaderApart;
using storage::Rejected;
using namespace std::chrono_literals;
using Packed = test::PackedFile;

namespace {

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

TEST_CASE("a reader that ends too early is a reason to reject") {
  const Packed packed;
  CHECK(test::has(packed.reason_by("dies"), "the process that reads the archive"));
  CHECK(test::has(packed.reason_by("ends"), "ended with status 3"));
  CHECK(test::has(packed.reason_by("breaks off"), "ended with status 0"));
  CHECK(test::has(packed.reason_by("babbles"), "says what means nothing"));
  CHECK(test::has(packed.reason_by("has no memory"), "takes more memory than apdepot gives it"));
  CHECK(test::has(packed.reason_by("sleeps", 10ms), "said nothing for 0 s and was ended"));
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
