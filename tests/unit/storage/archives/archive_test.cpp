#include "storage/archives/archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include <memory>
#include <set>

#include "tests/support/host.hpp"
#include "tests/support/unpacking.hpp"
#include "tests/support/zip_writer.hpp"

namespace fs = std::filesystem;
using storage::Member;
using test::content_of;
using test::has;
using test::ZipMember;

namespace {

std::set<std::string> names_in(const fs::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.insert(entry.path().filename().string());
  return names;
}

struct Unpacking : test::Unpacking {
  std::string rejection_of(const ZipMember& member) {
    return rejection(test::zip({{"ap1g8", "image"}, member}));
  }
};

std::string deflated_zip(const std::string& name, const std::string& content) {
  std::string bytes(content.size() + 4096, '\0');
  std::size_t used = 0;
  const std::unique_ptr<archive, decltype(&archive_write_free)> writer(archive_write_new(),
                                                                       archive_write_free);
  archive_write_set_format_zip(writer.get());
  archive_write_zip_set_compression_deflate(writer.get());
  archive_write_set_bytes_in_last_block(writer.get(), 1);
  REQUIRE(archive_write_open_memory(writer.get(), bytes.data(), bytes.size(), &used) == ARCHIVE_OK);
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                            archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0600);
  REQUIRE(archive_write_header(writer.get(), entry.get()) == ARCHIVE_OK);
  REQUIRE(archive_write_data(writer.get(), content.data(), content.size()) >= 0);
  REQUIRE(archive_write_close(writer.get()) == ARCHIVE_OK);
  bytes.resize(used);
  return bytes;
}

// Not the same byte twice in a row, and long enough for several blocks.
std::string noise(std::size_t size) {
  std::string text;
  for (std::uint32_t i = 0, x = 1; i < size; ++i)
    text += static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  return text;
}

}  // namespace

TEST_CASE("the members come back by name, with sizes and digests, as files for everybody to read") {
  Unpacking job;
  const auto members = job.unpack(test::zip({{"version.info", "17.9.4.27\n"}, {"ap1g8", "abc"}}));
  REQUIRE(members.size() == 2);
  CHECK(members[0] == Member{"ap1g8", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"});
  CHECK(members[1].name == "version.info");
  CHECK(content_of(job.target / "version.info") == "17.9.4.27\n");
  CHECK(test::mode_of(job.target / "ap1g8").value_or(0644) == 0644);
}

TEST_CASE("a deflated member of many blocks is unpacked whole") {
  Unpacking job;
  const std::string content = noise(700'000) + std::string(300'000, 'x');
  const auto members = job.unpack(deflated_zip("ap1g8", content));
  REQUIRE(members.size() == 1);
  CHECK(members[0].size == content.size());
  CHECK(content_of(job.target / "ap1g8") == content);
}

TEST_CASE("data descriptors, zip64, a comment and an empty member are fine") {
  Unpacking job;
  ZipMember streamed{"streamed", "behind the data"}, wide{"wide", "zip64"};
  streamed.descriptor = true;
  wide.zip64 = true;
  const auto members = job.unpack(test::zip({streamed, wide, {"empty"}}, {.comment = "hello"}));
  CHECK(members.size() == 3);
  CHECK(content_of(job.target / "streamed") == "behind the data");
  CHECK(content_of(job.target / "wide") == "zip64");
  CHECK(fs::file_size(job.target / "empty") == 0);
}

TEST_CASE("an archive with a zip64 end record is unpacked") {
  Unpacking job;
  CHECK(job.unpack(test::zip({{"ap1g8", "image"}}, {.zip64 = true})).size() == 1);
}

TEST_CASE("one leading folder that all members share is stripped") {
  Unpacking job;
  ZipMember folder{"C9800/"};
  folder.attributes = 040755U << 16;
  const auto members = job.unpack(test::zip({folder, {"C9800/ap1g8", "image"}, {"C9800/ap1g7", "image"}}));
  CHECK(members.size() == 2);
  CHECK(names_in(job.target) == std::set<std::string>{"ap1g7", "ap1g8"});
}

TEST_CASE("any other folder is refused") {
  Unpacking job;
  CHECK(has(job.rejection(test::zip({{"ap1g8", "image"}, {"more/ap1g7", "image"}})), "folders inside"));
  CHECK(has(job.rejection(test::zip({{"a/ap1g8", "image"}, {"b/ap1g7", "image"}})), "folders inside"));
  CHECK(has(job.rejection(test::zip({{"a/b/ap1g8", "image"}})), "folders inside"));
  CHECK(has(job.rejection(test::zip({{"a/ap1g8", "image"}, {"ap1g7", "image"}})), "folders inside"));
  ZipMember nested{"a/b/"};
  nested.attributes = 040755U << 16;
  CHECK(has(job.rejection(test::zip({{"a/ap1g8", "image"}, nested})), "folders inside"));
}

TEST_CASE("a name that leads out, or means something to some system, is refused") {
  Unpacking job;
  const auto reason = [&job](std::string name) { return job.rejection_of({std::move(name), "x"}); };
  CHECK(has(reason("/etc/passwd"), "absolute"));
  CHECK(has(reason("../../etc/passwd"), ".."));
  CHECK(has(reason("a/../b"), ".."));
  CHECK(has(reason(".."), ".."));
  CHECK(has(reason("./ap1g7"), "\".\""));
  CHECK(has(reason("a//b"), "empty part"));
  CHECK(has(reason("C:ap1g7"), "colon"));
  CHECK(has(reason("ap1g7:stream"), "colon"));
  CHECK(has(reason("..\\ap1g7"), "backslash"));
  CHECK(has(reason("EWC\\ap1g7"), "make the archive again"));
  CHECK(has(reason("ap\x1b[2Jg7"), "control character"));
  CHECK(has(reason("ap1g7\n"), "control character"));
  CHECK(has(reason("ap1\xc2\x9bg7"), "UTF-8"));
  CHECK(has(reason(std::string("ap1g7\0.txt", 10)), "zero byte"));
  CHECK(has(reason("ap\xff"), "UTF-8"));
  CHECK(has(reason("CON"), "device"));
  CHECK(has(reason("nul.txt"), "device"));
  CHECK(has(reason("Com1.bin"), "device"));
  CHECK(has(reason("ap1g7."), "dot or a space"));
  CHECK(has(reason("ap1g7 "), "dot or a space"));
  CHECK(has(reason("ap1g?"), "Windows"));
  CHECK(has(reason(""), "empty"));
  CHECK(has(reason(std::string(300, 'a')), "longer than 255"));
  CHECK(has(reason(std::string(3000, 'a')), "too long"));
  CHECK(names_in(job.target).empty());
}

TEST_CASE("a reason never carries a stranger's control characters") {
  Unpacking job;
  const std::string reason = job.rejection_of({"\x1b]0;\r\n\xff", "x"});
  CHECK(has(reason, "\\x1b]0;\\x0d\\x0a\\xff"));
  CHECK(reason.find_first_of("\x1b\r\n\xff") == std::string::npos);
}

TEST_CASE("two members of one name are refused, also when only the case differs") {
  Unpacking job;
  CHECK(has(job.rejection_of({"ap1g8", "other"}), "two members of one name"));
  CHECK(has(job.rejection_of({"AP1G8", "other"}), "two members of one name"));
}

TEST_CASE("links, devices and other special files are refused") {
  Unpacking job;
  for (const unsigned type : {0120777U, 020666U, 060666U, 010666U, 0140666U, 040755U}) {
    ZipMember member{"special", "/etc/passwd"};
    member.attributes = type << 16;
    CHECK(has(job.rejection_of(member), "special file"));
  }
  ZipMember windows_link{"junction", "x"};
  windows_link.made_by = 10 << 8;
  windows_link.attributes = 0x400;
  CHECK(has(job.rejection_of(windows_link), "special file"));
}

TEST_CASE("a file that was packed on Windows, without a mode, is a plain file") {
  Unpacking job;
  ZipMember member{"ap1g8", "image"};
  member.made_by = 0;
  member.attributes = 0x20;
  CHECK(job.unpack(test::zip({member})).size() == 1);
}

TEST_CASE("encrypted and exotically compressed members are refused") {
  Unpacking job;
  ZipMember encrypted{"secret", "x"}, lzma{"packed", "x"};
  encrypted.flags = 1;
  lzma.method = 14;
  CHECK(has(job.rejection_of(encrypted), "unpack it with its password"));
  CHECK(names_in(job.target).empty());
  CHECK(has(job.rejection_of(lzma), "LZMA (method 14)"));
  lzma.method = 9;
  CHECK(has(job.rejection_of(lzma),
            "Deflate64 (method 9), which apdepot does not read: make the ZIP with Deflate"));
}

TEST_CASE("what is no ZIP is told by its content") {
  Unpacking job;
  CHECK(has(job.rejection(""), "empty"));
  CHECK(has(job.rejection("<html>404 Not Found</html>"), "not an archive"));
  CHECK(has(job.rejection("x"), "not an archive"));
  CHECK(has(job.rejection(test::zip({})), "empty"));
  CHECK(has(job.rejection(test::zip({{"folder/"}})), "special file"));
  ZipMember folder{"folder/"};
  folder.attributes = 040755U << 16;
  CHECK(has(job.rejection(test::zip({folder})), "no file"));
}

TEST_CASE("a ZIP that was cut anywhere is refused") {
  Unpacking job;
  for (const auto& end : {test::ZipEnd{}, test::ZipEnd{.comment = "comment"}, test::ZipEnd{.zip64 = true}}) {
    const std::string whole = test::zip({{"ap1g8", "image"}, {"version.info", "17.9.4.27\n"}}, end);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      CHECK_FALSE(job.rejection(whole.substr(0, size)).empty());
      REQUIRE(names_in(job.target).empty());
    }
  }
}

TEST_CASE("a ZIP with something added, or a part missing in the middle, is refused") {
  Unpacking job;
  const std::string whole = test::zip({{"ap1g8", "image"}, {"ap1g7", "image"}});
  CHECK(has(job.rejection(whole + "x"), "not whole"));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    CHECK_FALSE(job.rejection(whole.substr(0, at) + whole.substr(at + 1)).empty());
    CHECK_FALSE(job.rejection(whole.substr(0, at) + "x" + whole.substr(at)).empty());
  }
  std::string gap = whole;
  CHECK(has(job.rejection(gap.insert(gap.find("PK\x05\x06"), "gap")), "not whole"));
}

TEST_CASE("one changed byte of content is found by the CRC") {
  Unpacking job;
  std::string archive = test::zip({{"ap1g8", "image"}});
  archive[archive.find("image")] = 'I';
  CHECK(has(job.rejection(archive), "damaged"));
  std::string packed = deflated_zip("ap1g8", noise(5000));
  packed[2500] = static_cast<char>(packed[2500] ^ 1);
  fs::remove(job.target / "ap1g8");
  CHECK(has(job.rejection(packed), "damaged"));
}

TEST_CASE("an archive that lists a member in two ways is refused") {
  Unpacking job;
  ZipMember renamed{"ap1g7", "image"}, overlapping{"ap1g7", "image"};
  renamed.local_name = "ap1g6";
  CHECK(has(job.rejection_of(renamed), "contradicts itself about the name"));
  overlapping.header = 0;
  overlapping.local_name = "ap1g8";
  CHECK_FALSE(job.rejection_of(overlapping).empty());
  const std::string whole = test::zip({{"ap1g8", "image"}});
  std::string other_crc = whole, other_size = whole, other_method = whole;
  other_crc[14] = static_cast<char>(other_crc[14] ^ 1);
  other_size[22] = 4;
  other_method[8] = 8;
  CHECK(has(job.rejection(other_crc), "checksum"));
  CHECK(has(job.rejection(other_size), "size"));
  CHECK(has(job.rejection(other_method), "compression"));
}

TEST_CASE("a size that lies is found out before or while unpacking") {
  Unpacking job;
  ZipMember smaller{"ap1g7", "image"}, larger{"ap1g7", "image"}, reaching{"ap1g7", "image"};
  smaller.size = 3;
  larger.size = 7;
  reaching.size = reaching.packed = 5000;
  for (const auto& liar : {smaller, larger, reaching}) {
    CHECK_FALSE(job.rejection(test::zip({liar})).empty());
    job.empty();
  }
  // Deflated: the data say 5000 bytes, both headers say 100.
  std::string packed = deflated_zip("ap1g8", std::string(5000, 'x'));
  const std::string says = test::little_endian(5000, 4), lies = test::little_endian(100, 4);
  for (auto at = packed.find(says); at != std::string::npos; at = packed.find(says))
    packed.replace(at, 4, lies);
  CHECK_FALSE(job.rejection(packed).empty());
  CHECK(fs::file_size(job.target / "ap1g8") <= 100);
}

TEST_CASE(
    "a member with more data than it declares is refused, also where a block ends at the declared size") {
  for (const std::uint64_t declared : {std::uint64_t{0}, std::uint64_t{256} << 10}) {
    CAPTURE(declared);
    Unpacking job;
    std::string packed = deflated_zip("ap1g8", std::string(300'000, 'x'));
    const auto says = test::little_endian(300'000, 4), lies = test::little_endian(declared, 4);
    for (auto at = packed.find(says); at != std::string::npos; at = packed.find(says))
      packed.replace(at, 4, lies);
    const auto why = job.rejection(packed);
    CHECK((has(why, "lies about the size") || has(why, "is damaged")));
  }
}

TEST_CASE("an end record that counts wrongly, or names other parts, is refused") {
  Unpacking job;
  CHECK_FALSE(job.rejection(test::zip({{"ap1g8", "image"}}, {.members = 2})).empty());
  CHECK_FALSE(job.rejection(test::zip({{"a", "x"}, {"b", "x"}}, {.members = 1})).empty());
  CHECK(has(job.rejection(test::zip({{"ap1g8", "image"}}, {.members_here = 0})), "several"));
  CHECK_FALSE(
      job.rejection(test::zip({{"ap1g8", "image"}}, {.comment = "PK\x05\x06 another end of another archive"}))
          .empty());
}

TEST_CASE("the limits hold: members, total and ratio") {
  Unpacking job;
  job.limits.max_members = 1;
  CHECK(has(job.rejection(test::zip({{"a", "x"}, {"b", "x"}})), "max_members"));
  job.limits = {};
  job.limits.max_total = 9;
  CHECK(has(job.rejection(test::zip({{"a", "12345"}, {"b", "12345"}})), "max_total"));
  CHECK(job.rejection(test::zip({{"a", "12345"}, {"b", "1234"}})).empty());
  job.limits = {};
  CHECK(has(job.rejection(deflated_zip("bomb", std::string(4 << 20, '\0'))), "max_ratio"));
  ZipMember bomb{"bomb", "image"};  // hidden beside one that makes the whole look harmless
  bomb.size = 4 << 20;
  CHECK(has(job.rejection(test::zip({bomb, {"noise", noise(1 << 20)}})), "max_ratio"));
  CHECK(job.rejection(deflated_zip("small", std::string(1 << 20, '\0'))).empty());
}

TEST_CASE("a link, a folder or a FIFO in the place of a bundle is not opened") {
  Unpacking job;
  const auto whole = job.dir.write("bundle.zip", test::zip({{"ap1g8", "image"}}));
  test::make_link(whole, job.dir / "link");
  test::make_fifo(job.dir / "fifo");
  for (const auto name : {"link", "fifo", "target"})
    CHECK_THROWS_AS(job.unpack_file(job.dir / name), std::system_error);
  CHECK_THROWS_AS(job.unpack_file(job.dir / "missing"), std::system_error);
}

TEST_CASE("a file that already holds a member's name is not replaced") {
  Unpacking job;
  job.dir.write("target/ap1g8", "mine");
  CHECK_THROWS_AS(job.unpack(test::zip({{"ap1g8", "image"}})), std::system_error);
  CHECK(content_of(job.target / "ap1g8") == "mine");
}
