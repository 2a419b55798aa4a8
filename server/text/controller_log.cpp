#include "server/text/controller_log.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace server {
namespace {

using Kind = ControllerMessage::Kind;

// One message of the log with what was wrapped onto further lines.
struct Record {
  std::string when;
  std::vector<std::string> lines;
  std::string joined() const {
    std::string text;
    for (const auto& line : lines) text.append(text.empty() ? "" : " ").append(line);
    return text;
  }
};

constexpr std::size_t most_of_record = 20;  // lines; what follows is something else

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// The length of "20:29:14.108" or "20:29:14" at the beginning; 0: something else.
std::size_t clock_at(std::string_view text) {
  constexpr std::string_view form = "00:00:00";
  if (text.size() < form.size()) return 0;
  for (std::size_t i = 0; i < form.size(); ++i)
    if (form[i] == '0' ? !is_digit(text[i]) : text[i] != form[i]) return 0;
  auto length = form.size();
  if (length < text.size() && text[length] == '.') do
      ++length;
    while (length < text.size() && is_digit(text[length]));
  return length;
}

// "*Feb 1 20:29:14.108", "[*01/30/2024 21:41:35.1120]", "Feb  1 20:29:14": what a message begins with. Empty:
// it goes on with the message before.
std::string_view stamp_of(std::string_view line) {
  constexpr std::size_t most = 40;
  for (std::size_t i = 0; i < std::min(line.size(), most); ++i) {
    if (i > 0 && line[i - 1] != ' ') continue;
    const auto length = clock_at(line.substr(i));
    if (length == 0) continue;
    auto begin = line.substr(0, i + length);
    const auto first = begin.find_first_of("*[");
    if (first != begin.npos) begin.remove_prefix(begin.find_first_not_of("*[", first));
    return begin;
  }
  return {};
}

std::vector<Record> records(std::string_view text) {
  std::vector<Record> all;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with("```") || line == "<#root>") continue;
    const auto stamp = stamp_of(line);
    if (!stamp.empty() || all.empty() || all.back().lines.size() == most_of_record)
      all.push_back({std::string(stamp), {}});
    all.back().lines.emplace_back(line);
  }
  return all;
}

std::optional<std::string_view> behind(std::string_view text, std::string_view mark) {
  const auto place = text.find(mark);
  if (place == text.npos) return {};
  return text.substr(place + mark.size());
}

std::string word_behind(std::string_view text, std::string_view mark, std::string_view ends = " ,]") {
  const auto rest = behind(text, mark);
  if (!rest) return {};
  const auto begun = trimmed(*rest);
  return std::string(begun.substr(0, begun.find_first_of(ends)));
}

// The first URL of an image from `mark` on, without what punctuates it.
std::string url_behind(std::string_view text, std::string_view mark) {
  const auto rest = behind(text, mark);
  if (!rest) return {};
  std::size_t begin = rest->npos;
  for (const std::string_view scheme : {"tftp://", "sftp://", "scp://", "ftp://", "http://", "https://"})
    begin = std::min(begin, rest->find(scheme));
  if (begin == rest->npos) return {};
  auto url = rest->substr(begin);
  url = url.substr(0, url.find(' '));
  while (url.ends_with(':') || url.ends_with(',')) url.remove_suffix(1);
  return std::string(url);
}

// What stands behind the URL on its own line: the next line may be anything.
std::string reason_in(const Record& record, const std::string& url) {
  for (auto line = record.lines.rbegin(); line != record.lines.rend(); ++line) {
    const auto rest = behind(*line, url + ":");
    if (rest && !trimmed(*rest).empty()) return std::string(trimmed(*rest));
  }
  return {};
}

std::optional<ControllerMessage> failed(const Record& record, std::string_view text) {
  constexpr std::array<std::string_view, 3> marks{"Failed to download file", "Failed to install_add package",
                                                  "OPERATION_ERROR_MESSAGE"};
  for (const auto mark : marks) {
    auto url = url_behind(text, mark);
    if (url.empty()) continue;
    auto reason = reason_in(record, url);
    return ControllerMessage{Kind::failed, record.when, std::move(url), std::move(reason)};
  }
  return {};
}

std::optional<ControllerMessage> completed(const Record& record, std::string_view text) {
  auto url = url_behind(text, "Completed install add");
  if (url.empty()) return {};
  return ControllerMessage{Kind::completed, record.when, std::move(url)};
}

std::optional<ControllerMessage> of_device(const Record& record, std::string_view text) {
  const auto says = [&](std::string_view mark) { return text.find(mark) != text.npos; };
  const auto told = [&](Kind kind, std::string reason = {}) {
    return ControllerMessage{kind, record.when, {}, std::move(reason)};
  };
  if (says("Image Download Failed")) return told(Kind::device_failed);
  if (says("Image Download Success")) return told(Kind::device_succeeded);
  if (says("image download cannot start")) return told(Kind::cannot_start);
  if (says("Image signing verify success")) return told(Kind::signature_good);
  if (says("Image signing verify")) return told(Kind::signature_bad);
  if (says("/tmp space:") && !says("/tmp space: OK"))
    return told(Kind::no_space, std::string(trimmed(*behind(text, "/tmp space:"))));
  if (says("Image Data Request sent to ")) {
    auto message = told(Kind::device_asked);
    message.peer = word_behind(text, "Image Data Request sent to ");
    message.image = word_behind(text, "fileName [");
    return message;
  }
  return {};
}

}  // namespace

std::vector<ControllerMessage> read_controller_log(std::string_view text) {
  std::vector<ControllerMessage> all;
  for (const auto& record : records(text)) {
    const auto whole = record.joined();
    auto message = failed(record, whole);
    if (!message) message = completed(record, whole);
    if (!message) message = of_device(record, whole);
    if (message) all.push_back(std::move(*message));
  }
  return all;
}

ImageUrl take_apart(const std::string& url) {
  const auto colon = url.find("://");
  if (colon == url.npos) return {};
  auto rest = url.substr(colon + 3);
  const auto slash = std::min(rest.find('/'), rest.size());
  auto host = rest.substr(0, slash);
  host.erase(0, host.rfind('@') == host.npos ? 0 : host.rfind('@') + 1);
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else if (std::ranges::count(host, ':') == 1) {
    host.resize(host.find(':'));
  }
  return {url.substr(0, colon), host, rest.substr(slash)};
}

}  // namespace server
