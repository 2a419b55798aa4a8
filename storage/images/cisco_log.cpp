#include "storage/images/cisco_log.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace storage {
namespace {

using Kind = LogMessage::Kind;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r'");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r'") - first + 1);
}

bool holds(std::string_view text, std::string_view mark) { return text.find(mark) != text.npos; }

std::optional<std::string_view> after(std::string_view text, std::string_view mark) {
  const auto place = text.find(mark);
  if (place == text.npos) return {};
  return text.substr(place + mark.size());
}

std::string word_after(std::string_view text, std::string_view mark, std::string_view ends = " ,]") {
  const auto rest = after(text, mark);
  if (!rest) return {};
  const auto begun = trimmed(*rest);
  return std::string(begun.substr(0, begun.find_first_of(ends)));
}

// The first URL, or file of the device, that stands after `mark`, without what punctuates it.
std::string url_after(std::string_view text, std::string_view mark) {
  const auto rest = after(text, mark);
  if (!rest) return {};
  std::size_t begin = rest->npos;
  for (const std::string_view scheme :
       {"tftp://", "sftp://", "scp://", "ftp://", "http://", "https://", "bootflash:", "flash:", "usbflash"})
    begin = std::min(begin, rest->find(scheme));
  if (begin == rest->npos) return {};
  auto url = rest->substr(begin);
  url = url.substr(0, url.find(' '));
  while (!url.empty() && (url.back() == ':' || url.back() == ',' || url.back() == '.')) url.remove_suffix(1);
  return std::string(url);
}

// What stands after the URL on its own line, for the next line may be anything; else what follows "Error:".
std::string reason_in(const LogRecord& record, const std::string& url) {
  for (auto line = record.lines.rbegin(); line != record.lines.rend(); ++line) {
    const auto rest = after(*line, url + ":");
    if (rest && !trimmed(*rest).empty()) return std::string(trimmed(*rest));
  }
  const auto whole = record.joined();
  const auto error = after(whole, "Error: ");
  if (!error || error->starts_with("Failed to ")) return {};
  return std::string(trimmed(*error));
}

LogMessage message(Kind kind, std::string url = {}, std::string reason = {}) {
  return {kind, {}, std::move(url), std::move(reason)};
}

// %INSTALL-3-OPERATION_ERROR_MESSAGE of IOS XE, with the names of several releases for the same step.
std::optional<LogMessage> failed_install(const LogRecord& record, std::string_view text) {
  constexpr std::array<std::string_view, 4> marks{"Failed to download file", "Failed to install_add package",
                                                  "Failed to install add package", "OPERATION_ERROR_MESSAGE"};
  for (const auto mark : marks) {
    auto url = url_after(text, mark);
    if (url.empty()) continue;
    auto reason = reason_in(record, url);
    return message(Kind::failed, std::move(url), std::move(reason));
  }
  return {};
}

// %Error opening tftp://192.0.2.2/ap3g2-k9w7-tar.default (Timed out), of an access point with IOS.
std::optional<LogMessage> failed_opening(std::string_view text) {
  constexpr std::string_view mark = "Error opening ";
  auto url = url_after(text, mark);
  if (url.find("://") == url.npos) return {};
  const auto rest = after(text, url);
  auto reason = rest ? trimmed(*rest) : std::string_view{};
  if (!reason.starts_with('(')) return message(Kind::failed, std::move(url));
  reason = reason.substr(1, reason.find(')') - 1);
  return message(Kind::failed, std::move(url), std::string(reason));
}

std::optional<LogMessage> of_controller(const LogRecord& record, std::string_view text) {
  if (auto said = failed_install(record, text)) return said;
  if (auto said = failed_opening(text)) return said;
  if (auto url = url_after(text, "Completed install add"); !url.empty())
    return message(Kind::completed, std::move(url));
  for (const std::string_view mark : {"Started install add", "Starting download AP image "})
    if (auto url = url_after(text, mark); !url.empty()) return message(Kind::started, std::move(url));
  if (const auto rest = after(text, "Refusing image download to AP")) {
    auto said = message(Kind::no_image);
    const auto path = word_after(*rest, "unable to open image file ");
    said.image = path.substr(path.rfind('/') + 1);
    return said;
  }
  return {};
}

// Archives of access points, by whom they are refused: IOS, AP-COS, AireOS.
std::optional<LogMessage> of_image(std::string_view text) {
  if (holds(text, "Image signing certificate validation failed")) return message(Kind::certificate_over);
  if (holds(text, "Image signing verify success")) return message(Kind::signature_good);
  for (const std::string_view mark :
       {"Image signing verify", "verify signature failed", "Digital Signature Failed Validation",
        "Failed to validate signature", "AP image integrity check FAILED",
        "Failure while validating the signature"})
    if (holds(text, mark)) return message(Kind::signature_bad);
  for (const std::string_view mark : {"problem extracting tar file", "Tar checksum error",
                                      "Premature end of tar file", "not a valid IOS image archive"})
    if (holds(text, mark)) return message(Kind::damaged, url_after(text, mark), std::string(mark));
  return {};
}

std::optional<LogMessage> of_space(std::string_view text) {
  if (const auto rest = after(text, "/tmp space:"); rest && !trimmed(*rest).starts_with("OK"))
    return message(Kind::no_space, {}, std::string(trimmed(*rest)));
  constexpr std::string_view mark = "No space left on device";
  if (!holds(text, mark)) return {};
  for (const std::string_view about : {"part.tar", "bootpart", "upgrade", "image", "Image", "tar:"})
    if (holds(text, about)) return message(Kind::no_space, {}, std::string(mark));
  return {};
}

std::optional<LogMessage> of_device(std::string_view text) {
  if (holds(text, "Image Download Failed")) return message(Kind::device_failed);
  if (holds(text, "Image Download Success")) return message(Kind::device_succeeded);
  if (holds(text, "image download cannot start")) return message(Kind::cannot_start);
  if (holds(text, "Image download failed")) return message(Kind::gave_up);
  if (const auto rest = after(text, "Aborting image download")) {
    auto said = message(Kind::aborted);  // "(0x0): Dtls cleanup, ap1g8"
    said.reason = word_after(*rest, ": ", ",");
    said.image = word_after(*rest, ", ");
    return said;
  }
  if (holds(text, "Aborting Image Download")) return message(Kind::aborted);
  if (holds(text, "Image Data Request sent to ")) {
    auto said = message(Kind::device_asked);
    said.peer = word_after(text, "Image Data Request sent to ");
    said.image = word_after(text, "fileName [");
    return said;
  }
  if (auto image = word_after(text, "archive download capwap:/"); !image.empty()) {
    auto said = message(Kind::device_asked);
    said.image = std::move(image);
    return said;
  }
  return {};
}

bool is_about_space(std::string_view reason) { return holds(reason, "space") || holds(reason, "Space"); }

std::string advice_on_failure(const LogMessage& said) {
  if (is_about_space(said.reason))
    return "`install remove inactive`, then `dir bootflash:`, on the controller";
  if (holds(said.reason, "ost key") || holds(said.reason, "ostkey"))
    return "remove the old key on the controller: `no ip ssh pubkey-chain`";
  if (said.url.find("://") != said.url.npos) return {};
  if (holds(said.reason, "undle mode")) return "install add file " + said.url + " activate commit";
  return "`show install log` on the controller has the steps";
}

std::string advice_on(const LogMessage& said) {
  constexpr auto show_logging =
      "the controller's own log has the reason: %INSTALL-3-OPERATION_ERROR_MESSAGE in `show logging`";
  switch (said.kind) {
    case Kind::failed:
      return advice_on_failure(said);
    case Kind::cannot_start:
    case Kind::aborted:
    case Kind::gave_up:
    case Kind::device_failed:
      return show_logging;
    case Kind::no_space:
      return "reload the access point, which empties /tmp, and try again; where /storage is full (`show "
             "flash`), "
             "Cisco's CSCwf25731";
    case Kind::signature_bad:
    case Kind::damaged:
      return "`apdepot verify` compares each file with what was imported; where none differs, a lossy link "
             "to the "
             "access point damages it: Cisco's CSCvx32806";
    case Kind::certificate_over:
      return "`show clock` on the controller, which gives access points the time; a later release has a "
             "later "
             "certificate";
    case Kind::no_image:
      return "`apdepot releases --models` lists which release here has it; the controller's own release has "
             "to "
             "know the model too";
    default:
      return {};
  }
}

}  // namespace

std::optional<LogMessage> read_cisco_log(const LogRecord& record) {
  const auto whole = record.joined();
  auto said = of_controller(record, whole);
  if (!said) said = of_image(whole);
  if (!said) said = of_space(whole);
  if (!said) said = of_device(whole);
  if (said) said->advice = advice_on(*said);
  return said;
}

}  // namespace storage
