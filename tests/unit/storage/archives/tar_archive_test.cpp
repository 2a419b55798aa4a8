#include <doctest/doctest.h>

#include <array>
#include <set>

#include "tests/support/tar_writer.hpp"
#include "tests/support/unpacking.hpp"

namespace fs = std::filesystem;
using storage::BundleFormat;
using storage::Member;
using storage::Rejected;
using test::content_of;
using test::has;
using test::TarMember;

namespace {

std::string noise(std::size_t size) {
  std::string text;
  for (std::uint32_t i = 0, x = 1; i < size; ++i)
    text += static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  return text;
}

std::string as_it_is(const std::string& bytes) { return bytes; }
std::string by_xz(const std::string& bytes) { return test::xz(bytes); }

struct Unpacking : test::Unpacking {  // one archive after the other
  std::vector<Member> unpack(const std::string& archive) {
    empty();
    return test::Unpacking::unpack(archive);
  }
  std::string rejection(const std::string& archive) {
    empty();
    return test::Unpacking::rejection(archive);
  }
  // Beside a good member, in each way of packing: all must say the same.
  std::string rejection_of(const TarMember& member) {
    const auto archive = test::tar({{"ap1g8", "image"}, member});
    const auto reason = rejection(archive);
    CHECK(rejection(test::gzip(archive)) == reason);
    CHECK(rejection(test::xz(archive)) == reason);
    return reason;
  }
};

}  // namespace

TEST_CASE("a tar is unpacked, as it is, by gzip and by xz") {
  for (const auto pack : {as_it_is, test::gzip, by_xz}) {
    Unpacking job;
    const std::string big = noise(700'000) + std::string(300'000, 'x');
    const auto members = job.unpack(
        pack(test::tar({{"version.info", "17.9.4.27\n"}, {"empty"}, {"ap1g8", "abc"}, {"big", big}})));
    REQUIRE(members.size() == 4);
    CHECK(members[0] ==
          Member{"ap1g8", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"});
    CHECK(content_of(job.target / "big") == big);
    CHECK(content_of(job.target / "version.info") == "17.9.4.27\n");
    CHECK((fs::status(job.target / "ap1g8").permissions() & fs::perms::mask) == fs::perms(0644));
  }
}

TEST_CASE("a tar's kinds are told apart by content") {
  Unpacking job;
  const auto format = [&](const std::string& bytes) {
    const auto file = storage::open_plain_file(job.dir.write("anything", bytes));
    return storage::format_of(file, job.limits);
  };
  const auto archive = test::tar({{"ap1g8", "image"}});
  CHECK(format(archive) == BundleFormat::tar);
  CHECK(format(test::gzip(archive)) == BundleFormat::tar_gz);
  CHECK(format(test::xz(archive)) == BundleFormat::tar_xz);
  CHECK(format(test::gzip("no tar")) == BundleFormat::packed);
  CHECK(format(test::xz("no tar")) == BundleFormat::packed);
  CHECK(format("PK\x03\x04 and more") == BundleFormat::zip);
  CHECK(format("<html>") == BundleFormat::other);
  CHECK(format(archive.substr(0, 511)) == BundleFormat::other);
  CHECK_THROWS_AS(format(""), Rejected);
}

TEST_CASE("a name that promises an archive must keep it") {
  for (const auto name :
       {"a.zip", "a.ZIP", "a.tar", "a.tar.gz", "a.tgz", "a.gz", "a.xz", "a.tar.xz", "a.txz"}) {
    CHECK_THROWS_AS(storage::check_promise(name, BundleFormat::other), Rejected);
    CHECK_NOTHROW(storage::check_promise(name, BundleFormat::tar_gz));
  }
  CHECK_THROWS_AS(storage::check_promise("a.tar.gz", BundleFormat::packed), Rejected);
  CHECK_NOTHROW(storage::check_promise("a.gz", BundleFormat::packed));
  CHECK_NOTHROW(storage::check_promise("a.bin", BundleFormat::other));
}

TEST_CASE("one leading folder is stripped from a tar, and so is \"./\"") {
  Unpacking job;
  CHECK(job.unpack(test::tar({{"C9800/", "", '5'}, {"C9800/ap1g8", "image"}})).size() == 1);
  CHECK(job.unpack(test::tar({{"C9800", "", '5'}, {"C9800/ap1g8", "image"}})).front().name == "ap1g8");
  CHECK(job.unpack(test::tar({{"./", "", '5'}, {"./ap1g8", "image"}})).front().name == "ap1g8");
  CHECK(job.unpack(test::tar({{"./C9800/ap1g8", "image"}})).front().name == "ap1g8");
  CHECK(has(job.rejection_of({"more/ap1g7", "image"}), "folders inside"));
  CHECK(has(job.rejection(test::tar({{"a/b/ap1g8", "image"}})), "folders inside"));
  CHECK(has(job.rejection(test::tar({{"a/", "", '5'}})), "no file"));
}

TEST_CASE("a name in a tar that leads out, or means something to some system, is refused") {
  Unpacking job;
  const auto reason = [&job](std::string name) { return job.rejection_of({std::move(name), "x"}); };
  CHECK(has(reason("/etc/passwd"), "absolute"));
  CHECK(has(reason("../../etc/passwd"), ".."));
  CHECK(has(reason("a/../b"), ".."));
  CHECK(has(reason(".."), ".."));
  CHECK(has(reason("C:ap1g7"), "colon"));
  CHECK(has(reason("ap1g7:stream"), "colon"));
  CHECK(has(reason("..\\ap1g7"), "backslash"));
  CHECK(has(reason("ap\x1b[2Jg7"), "control character"));
  CHECK(has(reason("nul.txt"), "device"));
  CHECK(has(reason("ap1g7 "), "dot or a space"));
  CHECK(has(reason("ap\xff"), "UTF-8"));
  CHECK(has(reason(""), "empty"));
  CHECK(has(reason("ap1g8"), "two members of one name"));
  CHECK(has(reason("AP1G8"), "two members of one name"));
}

TEST_CASE("links, devices and other special members of a tar are refused") {
  Unpacking job;
  for (const char type : {'1', '2', '3', '4', '6', 'S', 'M', 'V', 'D', 'Z'}) {
    CAPTURE(type);
    TarMember member{"special", "", type};
    member.link = "/etc/passwd";
    CHECK(has(job.rejection_of(member), "special file"));
  }
  CHECK(has(job.rejection(test::tar({{"x", test::pax_record("GNU.sparse.major", "1"), 'x'}, {"ap1g8", "x"}})),
            "GNU.sparse"));
  TarMember folder{"folder", std::string(512, 'x'), '5'};
  CHECK(has(job.rejection_of(folder), "folder with content"));
}

TEST_CASE("long names and large sizes stand in headers of their own") {
  Unpacking job;
  const std::string name(150, 'n');
  auto members = job.unpack(test::tar({{"././@LongLink", name + '\0', 'L'}, {"short", "image"}}));
  CHECK(members.front().name == name);
  members = job.unpack(test::tar({{"pax", test::pax_record("path", name), 'x'}, {"short", "image"}}));
  CHECK(members.front().name == name);
  members = job.unpack(test::tar({{"pax", test::pax_record("comment", "hello"), 'g'}, {"ap1g8", "image"}}));
  CHECK(members.front().name == "ap1g8");
  TarMember wide{"ap1g8", "image"};
  wide.size = 0;
  members = job.unpack(test::tar({{"pax", test::pax_record("size", "5"), 'x'}, wide}));
  CHECK(content_of(job.target / "ap1g8") == "image");
}

TEST_CASE("extended headers that lie or are none are refused") {
  Unpacking job;
  const auto with = [&](std::string records, char type = 'x') {
    return job.rejection(test::tar({{"pax", std::move(records), type}, {"ap1g8", "image"}}));
  };
  CHECK(has(with(test::pax_record("size", "7")), "contradicts itself about the size"));
  CHECK(has(with(test::pax_record("size", "-5")), "no number"));
  CHECK(has(with(test::pax_record("path", "../x")), ".."));
  CHECK(has(with(test::pax_record("path", std::string("a\0b", 3))), "zero byte"));
  CHECK(has(with(test::pax_record("path", "x"), 'g'), "path"));
  for (const auto records : {"5", "99 path=x\n", "3 =", "0 path=x\n", "x path=x\n", "9 path=xy", " =\n"})
    CHECK(has(with(records), "extended header"));
  CHECK(has(with(std::string(100'000, 'x')), "too long"));
}

TEST_CASE("a tar that was cut anywhere is refused, however it is packed") {
  const auto whole = test::tar({{"ap1g8", "image"}});
  Unpacking job;
  for (const auto pack : {as_it_is, test::gzip, by_xz}) {
    const auto archive = pack(whole);
    CHECK(job.rejection(archive).empty());
    for (std::size_t size = 0; size < archive.size(); ++size) {
      CAPTURE(size);
      REQUIRE_FALSE(job.rejection(archive.substr(0, size)).empty());
    }
  }
}

TEST_CASE("a changed byte is found by gzip's and xz' checksums, and by a tar's own in its headers") {
  const auto whole = test::tar({{"ap1g8", noise(3000)}});
  Unpacking job;
  for (const auto pack : {+[](const std::string& bytes) { return test::gzip(bytes); }, by_xz}) {
    auto archive = pack(whole);
    const auto middle = archive.size() / 2;
    archive[middle] = static_cast<char>(archive[middle] ^ 1);
    CHECK(has(job.rejection(archive), "damaged"));
  }
  auto packed = test::gzip(whole);
  packed[packed.size() - 6] = static_cast<char>(packed[packed.size() - 6] ^ 1);  // the CRC itself
  CHECK(has(job.rejection(packed), "damaged"));
  TarMember bad{"ap1g7", "image"};
  bad.bad_sum = true;
  CHECK(has(job.rejection_of(bad), "damaged"));
}

TEST_CASE("what follows the end of a tar must be zeros") {
  const auto whole = test::tar({{"ap1g8", "image"}});
  Unpacking job;
  CHECK(job.rejection(whole + std::string(9000, '\0')).empty());
  CHECK(has(job.rejection(whole + "x"), "follows its end"));
  CHECK(has(job.rejection(whole + whole), "follows its end"));
  CHECK(has(job.rejection(test::gzip(whole) + "x"), "follows its end"));
  CHECK(job.rejection(test::gzip(whole) + std::string(100, '\0')).empty());
  CHECK(job.rejection(test::gzip(whole.substr(0, 700)) + test::gzip(whole.substr(700))).empty());
  CHECK_FALSE(job.rejection(test::xz(whole) + "x").empty());
  CHECK(has(job.rejection(test::tar({{"ap1g8", "image"}}, 1)), "not whole"));
}

TEST_CASE("a size that lies in a tar is found out") {
  Unpacking job;
  TarMember larger{"ap1g7", "image"}, smaller{"ap1g7", noise(2000)}, endless{"ap1g7", "image"};
  larger.size = 5000;
  smaller.size = 600;
  endless.size = (1ULL << 33) - 1;
  for (const auto& liar : {larger, smaller, endless}) {
    job.limits.max_total = 1 << 20;
    CHECK_FALSE(job.rejection_of(liar).empty());
  }
}

TEST_CASE("the limits hold for a tar: members, total and ratio") {
  Unpacking job;
  job.limits.max_members = 1;
  CHECK(has(job.rejection(test::tar({{"a", "x"}, {"b", "x"}})), "max_members"));
  job.limits = {};
  job.limits.max_total = 9;
  CHECK(has(job.rejection(test::tar({{"a", "12345"}, {"b", "12345"}})), "max_total"));
  CHECK(job.rejection(test::tar({{"a", "12345"}, {"b", "1234"}})).empty());
  job.limits = {};
  const auto bomb = test::tar({{"bomb", std::string(8 << 20, '\0')}});
  CHECK(has(job.rejection(test::gzip(bomb)), "max_ratio"));
  CHECK(has(job.rejection(test::xz(bomb)), "max_ratio"));
  CHECK(has(job.rejection(test::gzip(test::tar({{"a", "x"}}) + std::string(64 << 20, '\0'))), "max_ratio"));
}

TEST_CASE("a tar's members are counted as they come, folders too") {
  Unpacking job;
  CHECK(job.limits.max_members == 10'000);
  job.limits.max_members = 3;
  std::vector<TarMember> members{{"folder/", "", '5'}, {"folder/a"}, {"folder/b"}};
  CHECK(job.rejection(test::gzip(test::tar(members))).empty());
  members.push_back({"folder/c"});
  CHECK(has(job.rejection(test::gzip(test::tar(members))), "more than 3 members"));
}

TEST_CASE("an xz that asks for more memory than we give is refused with the figure") {
  Unpacking job;
  lzma_options_lzma options{};
  REQUIRE_FALSE(lzma_lzma_preset(&options, 6));
  options.dict_size = 256 << 20;
  std::array<lzma_filter, 2> filters{{{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}}};
  const auto archive = test::tar({{"ap1g8", "image"}});
  std::string bytes(lzma_stream_buffer_bound(archive.size()), '\0');
  std::size_t size = 0;
  REQUIRE(lzma_stream_buffer_encode(filters.data(), LZMA_CHECK_CRC32, nullptr,
                                    reinterpret_cast<const std::uint8_t*>(archive.data()), archive.size(),
                                    reinterpret_cast<std::uint8_t*>(bytes.data()), &size,
                                    bytes.size()) == LZMA_OK);
  bytes.resize(size);
  const auto file = storage::open_plain_file(job.dir.write("bundle.tar.xz", bytes));
  std::string reason;
  try {
    storage::StagedMembers staged(job.target);
    storage::unpack(file, BundleFormat::tar_xz, job.limits, staged);
  } catch (const Rejected& rejected) {
    reason = rejected.what();
  }
  CHECK(has(reason, "MiB of memory"));
}

TEST_CASE("a member larger than the disk is refused before it is written") {
  Unpacking job;
  job.limits.max_total = ~0ULL;
  TarMember huge{"ap1g8", "image"};
  auto archive = test::tar({huge});
  archive.replace(0, 512, [&] {  // GNU's way to write 2^60
    auto header = test::tar_header(huge);
    header.replace(124, 12, std::string("\x80\0\0\0\x10\0\0\0\0\0\0\0", 12));
    header.replace(148, 8, "        ");
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    return header.replace(148, 7, test::octal(sum, 6) + '\0');
  }());
  try {
    job.unpack(archive);
    FAIL("there is no such disk");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::no_space_on_device);
    CHECK(has(error.what(), "1152921504606846976 bytes"));
  }
  CHECK(fs::is_empty(job.target));
}
