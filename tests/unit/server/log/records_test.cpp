#include "server/log/records.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace server;

TEST_CASE("a line is taken apart by its tag") {
  const auto parts = [](std::string_view line) {
    const auto [tag, number, text] = tagged_line(line);
    return std::array{std::string(tag), std::string(number), std::string(text)};
  };
  CHECK(parts("in.tftpd[7]: RRQ from x") == std::array<std::string, 3>{"in.tftpd", "7", "RRQ from x"});
  CHECK(parts("sftp-server[12]: open: a") == std::array<std::string, 3>{"sftp-server", "12", "open: a"});
  CHECK(parts("apdepot: stopped") == std::array<std::string, 3>{"apdepot", "", "stopped"});
  for (const std::string line :
       {"{\"event\": \"x\"}", "no tag", "Big: x", "in.tftpd[x]: y", "a]: b", ": x", ""})
    CHECK(parts(line) == std::array<std::string, 3>{"apdepot", "", line});
}

TEST_CASE("the journal gets text, priority, tag and fields") {
  const std::array fields{LogField{"CLIENT", "192.0.2.7"}, LogField{"BYTES", "42"}};
  CHECK(journal_record(Severity::notice, "in.tftpd[7]: sent x", fields) ==
        "MESSAGE=sent x\nPRIORITY=5\nSYSLOG_IDENTIFIER=in.tftpd\nSYSLOG_PID=7\nCLIENT=192.0.2.7\nBYTES=42\n");
  CHECK(journal_record(Severity::error, "apdepot: x", {}) ==
        "MESSAGE=x\nPRIORITY=3\nSYSLOG_IDENTIFIER=apdepot\n");
}

TEST_CASE("a line break makes no field of the journal") {
  using namespace std::literals;
  CHECK(journal_record(Severity::info, "apdepot: a\nPRIORITY=0", {}) ==
        "MESSAGE\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\nPRIORITY=6\nSYSLOG_IDENTIFIER=apdepot\n"s);
}

TEST_CASE("syslog gets the tags of the programs that are replaced, in their facilities") {
  constexpr std::int64_t noon = 1'795'867'200'123;  // 2026-11-28T12:00:00Z
  const auto record = syslog_record(Severity::info, "sshd[3]: Failed password for x", noon);
  CHECK(record.starts_with("<38>Nov 2"));
  CHECK(record.ends_with(" sshd[3]: Failed password for x"));
  CHECK(record.size() == std::string_view("<38>Nov 28 12:00:00 sshd[3]: Failed password for x").size());
  CHECK(syslog_record(Severity::warning, "in.tftpd[3]: miss", noon).starts_with("<28>"));
  CHECK(syslog_record(Severity::info, "sftp-server[3]: open", noon).starts_with("<38>"));
  CHECK(syslog_record(Severity::error, "apdepot: x", noon).ends_with(" apdepot: x"));
}
