#include "server/text/controller_log.hpp"

#include <doctest/doctest.h>

using namespace server;
using storage::LogMessage;
using Kind = LogMessage::Kind;

namespace {

LogMessage only(std::string_view text) {
  const auto all = read_controller_log(text);
  REQUIRE(all.size() == 1);
  return all[0];
}

}  // namespace

TEST_CASE("a failed download is read with its URL and reason, however it is wrapped") {
  for (const std::string text :
       {"*Feb 1 20:52:13.977: %INSTALL-3-OPERATION_ERROR_MESSAGE: Chassis 1 R0/0: install_engine: Failed to "
        "install_add "
        "package tftp://172.16.5.27/Wrong-Path/ap1g6, Error: Failed to download file "
        "tftp://172.16.5.27/Wrong-Path/ap1g6: No such file or directory",
        "```\n*Feb 1 20:52:13.977: %INSTALL-3-OPERATION_ERROR_MESSAGE: Chassis 1 R0/0: "
        "install_engine:\r\n\nFailed to "
        "install_add package tftp://172.16.5.27/Wrong-Path/ap1g6\n```\n, Error: Failed to download file\n\n"
        "tftp://172.16.5.27/Wrong-Path/ap1g6: No such file or directory\n\nand some prose behind it"}) {
    const auto message = only(text);
    CHECK(message.kind == Kind::failed);
    CHECK(message.when == "Feb 1 20:52:13.977");
    CHECK(message.url == "tftp://172.16.5.27/Wrong-Path/ap1g6");
    CHECK(message.reason == "No such file or directory");
  }
}

TEST_CASE("a failure that was cut off before its second URL is read from the first") {
  const auto message = only(
      "*Feb 1 20:55:46.579: %INSTALL-3-OPERATION_ERROR_MESSAGE: Chassis 1 R0/0: install_engine: "
      "Failed to install_add package sftp://*****@172.16.5.62/Documents/ap1g6, Err");
  CHECK(message.kind == Kind::failed);
  CHECK(message.url == "sftp://*****@172.16.5.62/Documents/ap1g6");
  CHECK(message.reason.empty());
}

TEST_CASE("each line about an image has its kind") {
  struct Line {
    const char* text;
    Kind kind;
  };
  for (const auto& [text, kind] : {
           Line{"*Feb 1 17:05:37.108: %INSTALL-5-INSTALL_COMPLETED_INFO: Completed install add sftp://a/b",
                Kind::completed},
           Line{"*Feb 1 20:29:14.108: %CAPWAPAC_SMGR_TRACE_MESSAGE-5-AP_JOIN_DISJOIN: AP Event: AP\nImage "
                "Download Failed",
                Kind::device_failed},
           Line{"*Feb 1 17:07:00.720: AP Event: AP Image Download Success", Kind::device_succeeded},
           Line{"Going to restart CAPWAP (reason : image download cannot start)...", Kind::cannot_start},
           Line{"[*01/30/2024 21:41:35.4650] Image Data Request sent to 172.16.4.26, fileName [ap1g8], x",
                Kind::device_asked},
           Line{"[*01/30/2024 21:43:20.9990] status 'Image signing verify success.'", Kind::signature_good},
           Line{"[*01/30/2024 21:43:20.9990] status 'Image signing verify failure.'", Kind::signature_bad},
           Line{"[*01/30/2024 21:41:35.4620] upgrade.sh: /tmp space: NOT OK available 9606, required 50000",
                Kind::no_space},
           Line{"kernel: [*02/13/2024 11:11:52.4662] upgrade.sh: tar: write error: No space left on device",
                Kind::no_space},
           Line{"*Feb 1 20:29:17.325: %INSTALL-5-INSTALL_START_INFO: Started install add tftp://a/b",
                Kind::started},
           Line{"Starting download AP image tftp://192.0.2.2/ap1g8 ...", Kind::started},
           Line{"Image download failed.", Kind::gave_up},
           Line{"%Error opening tftp://255.255.255.255/c1130-k9w7-tar.default (Timed out)", Kind::failed},
           Line{"*Mar 21 19:12:05.013: sending Join Request to 192.0.2.9perform archive download "
                "capwap:/c1140 tar file",
                Kind::device_asked},
           Line{"*Mar 21 19:12:05.049: capwap_image_proc: problem extracting tar file", Kind::damaged},
           Line{"%Tar checksum error in tftp://192.0.2.2/x.bin", Kind::damaged},
           Line{"ERROR: Image is not a valid IOS image archive.", Kind::damaged},
           Line{"*Oct 25 11:00:00.861: Image signing certificate validation failed (1A).",
                Kind::certificate_over},
           Line{"*Oct 25 11:00:00.861: AP image integrity check FAILED", Kind::signature_bad},
           Line{"verify signature failed for /bootpart/part1/ramfs_data_cisco.cpio.lzma",
                Kind::signature_bad},
           Line{"*TransferTask: Dec 15 08:00:00.000: Failure while validating the signature!",
                Kind::signature_bad},
           Line{"*spamApTask0: Dec 03 11:26:14.685: 00:1e:4a:a8:b1:88 Refusing image download to AP x - "
                "unable to open "
                "image file /bsn/ap//c1100 Error:No such file or directory(2)",
                Kind::no_image},
           Line{"Aborting Image Download", Kind::aborted},
           Line{"[*07/12/2023 07:41:29.8330] Aborting image download(0x0): Dtls cleanup, ap1g8",
                Kind::aborted},
       })
    CHECK_MESSAGE(only(text).kind == kind, text);
}

TEST_CASE("what an access point asks for is read with its controller") {
  const auto message =
      only("[*01/30/2024 21:41:35.4650] Image Data Request sent to 172.16.4.26, fileName [ap1g8], replica 1");
  CHECK(message.when == "01/30/2024 21:41:35.4650");
  CHECK(message.peer == "172.16.4.26");
  CHECK(message.image == "ap1g8");
}

TEST_CASE("a failure with a file of the controller's own has its reason, and the vendor's advice") {
  const auto message = only(
      "*Sep 22 16:05:29.841: %INSTALL-3-OPERATION_ERROR_MESSAGE: R0/0: install_mgr: Failed to install add "
      "package "
      "bootflash:/C9800-L.bin, Error: Booted in bundle mode. For Bundle-to-Install mode conversion, please");
  CHECK(message.url == "bootflash:/C9800-L.bin");
  CHECK(message.reason.starts_with("Booted in bundle mode"));
  CHECK(message.advice == "install add file bootflash:/C9800-L.bin activate commit");
}

TEST_CASE("what stands in brackets after a URL is the reason, and who aborts says what") {
  const auto failed = only("%Error opening tftp://192.0.2.2/c1130-k9w7-tar.default (Timed out)");
  CHECK(failed.url == "tftp://192.0.2.2/c1130-k9w7-tar.default");
  CHECK(failed.reason == "Timed out");
  const auto aborted = only("Aborting image download(0x0): Dtls cleanup, ap1g8");
  CHECK(aborted.reason == "Dtls cleanup");
  CHECK(aborted.image == "ap1g8");
  CHECK(only("Refusing image download to AP x - unable to open image file /bsn/ap//c1100 Error:No").image ==
        "c1100");
  CHECK(only("perform archive download capwap:/c1140 tar file").image == "c1140");
}

TEST_CASE("a started download is known by its URL") {
  CHECK(
      only("Jul 23 14:19:10 install_engine.sh: %INSTALL-5-INSTALL_START_INFO: Started install add tftp://a/b")
          .url == "tftp://a/b");
  CHECK(only("Starting download AP image tftp://192.0.2.2/ap1g8 ...").url == "tftp://192.0.2.2/ap1g8");
}

TEST_CASE("what says nothing of images gives nothing") {
  for (const auto* text :
       {"", "\n\n", "*Feb 1 20:29:14.108: %SYS-5-CONFIG_I: Configured from console",
        "[*01/30/2024 21:41:35.4620] status 'upgrade.sh: /tmp space: OK available 96064, required 50000 '",
        "[*01/30/2024 21:41:35.1130] AP image version 17.3.3.26 backup 8.10, Controller 17.9.4.27",
        "\0\xff\xfe", "%INSTALL-3-OPERATION_ERROR_MESSAGE", "Failed to download file", "Started install add"})
    CHECK_MESSAGE(read_controller_log(text).empty(), text);
}

TEST_CASE("URLs are taken apart") {
  const auto plain = take_apart("tftp://172.16.5.199/EWC/17_9_4a/ap1g8");
  CHECK(plain.scheme == "tftp");
  CHECK(plain.host == "172.16.5.199");
  CHECK(plain.path == "/EWC/17_9_4a/ap1g8");
  CHECK(take_apart("sftp://*****@172.16.5.62:2222/a").host == "172.16.5.62");
  CHECK(take_apart("sftp://a:b@[2001:db8::1]:22/a").host == "2001:db8::1");
  CHECK(take_apart("tftp://host").path.empty());
  CHECK(take_apart("nonsense").scheme.empty());
  CHECK(take_apart("tftp://[").host.empty());
}
