#pragma once
#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "protocols/scp/session.hpp"

// A file system in memory, for SCP's machines.
class ScpFiles {
 public:
  struct Node {
    storage::Attributes attributes;
    std::string content;
  };

  ScpFiles() { add_directory("/"); }
  void add_file(const std::string& path, std::string content, std::uint32_t mode = 0100644) {
    auto& node = add(path, storage::Kind::file, mode);
    node.attributes.size = content.size();
    node.content = std::move(content);
  }
  void add_directory(const std::string& path, std::uint32_t mode = 040755) {
    add(path, storage::Kind::directory, mode);
  }
  void add_other(const std::string& path) { add(path, storage::Kind::other, 010644); }

  files::Answer perform(const files::Operation& operation) {
    if (on_operation) {
      if (auto answer = on_operation(operation)) return *answer;
    }
    return std::visit([this](const auto& each) { return run(each); }, operation);
  }

  // What answers in the place of the files.
  std::function<std::optional<files::Answer>(const files::Operation&)> on_operation;
  std::map<std::string, Node> nodes;
  std::map<std::string, files::Times> times;
  int abandoned = 0;
  std::size_t open() const { return open_.size(); }

 private:
  struct Open {
    std::string path;
    std::size_t next = 0;  // entry of a directory
    std::optional<std::string> upload = {};
  };

  static files::Answer failed(std::errc error) { return std::make_error_code(error); }

  Node& add(const std::string& path, storage::Kind kind, std::uint32_t mode) {
    auto& node = nodes[path];
    node.attributes.kind = kind;
    node.attributes.mode = mode;
    node.attributes.modified = 1'700'000'000;
    node.attributes.accessed = 1'700'000'001;
    node.attributes.version.number = ++numbers_;
    return node;
  }
  Node* find(const storage::Path& path) {
    const auto found = nodes.find(path.text());
    return found == nodes.end() ? nullptr : &found->second;
  }

  files::Answer run(const files::Examine& op) {
    if (const auto* node = find(op.path)) return node->attributes;
    return failed(std::errc::no_such_file_or_directory);
  }
  files::Answer run(const files::ExamineOpen& op) { return nodes.at(open_.at(op.handle).path).attributes; }
  files::Answer run(const files::OpenToRead& op) {
    const auto* node = find(op.path);
    if (!node) return failed(std::errc::no_such_file_or_directory);
    open_[op.handle] = {op.path.text()};
    return files::Done{};
  }
  files::Answer run(const files::OpenDirectory& op) { return run(files::OpenToRead{op.handle, op.path}); }
  files::Answer run(const files::ReadOpen& op) {
    const auto& content = nodes.at(open_.at(op.handle).path).content;
    const auto from = std::min<std::uint64_t>(op.offset, content.size());
    const auto size = std::min<std::size_t>(op.into.size(), content.size() - from);
    if (size > 0) std::memcpy(op.into.data(), content.data() + from, size);
    return size;
  }
  files::Answer run(const files::ReadDirectory& op) {
    auto& open = open_.at(op.handle);
    const auto folder = open.path == "/" ? open.path : open.path + '/';
    std::vector<storage::Entry> entries;
    std::size_t at = 0;
    for (const auto& [path, node] : nodes) {
      const bool inside = path.size() > folder.size() && path.starts_with(folder) &&
                          path.find('/', folder.size()) == std::string::npos;
      if (!inside || at++ < open.next) continue;
      if (entries.size() == op.count) break;
      entries.push_back({path.substr(folder.size()), node.attributes});
    }
    open.next += entries.size();
    return entries;
  }
  files::Answer run(const files::FindNames& op) {
    const auto answer = run(files::ReadDirectory{op.handle, op.count});
    const auto& entries = std::get<std::vector<storage::Entry>>(answer);
    for (const auto& entry : entries) op.names->take(entry.name);
    if (entries.empty()) op.names->end();
    return entries.size();
  }
  files::Answer run(const files::CloseOpen& op) {
    const auto open = open_.at(op.handle);
    open_.erase(op.handle);
    if (open.upload) add_file(open.path, *open.upload);
    return files::Done{};
  }
  files::Answer run(const files::CreateNew& op) {
    if (find(op.path)) return failed(std::errc::file_exists);
    open_[op.handle] = {op.path.text(), 0, ""};
    return files::Done{};
  }
  files::Answer run(const files::WriteOpen& op) {
    auto& upload = *open_.at(op.handle).upload;
    upload.resize(std::max<std::size_t>(upload.size(), op.offset + op.bytes.size()));
    std::memcpy(upload.data() + op.offset, op.bytes.data(), op.bytes.size());
    return files::Done{};
  }
  files::Answer run(const files::AbandonFile& op) {
    open_.erase(op.handle);
    ++abandoned;
    return files::Done{};
  }
  files::Answer run(const files::MakeDirectory& op) {
    if (find(op.path)) return failed(std::errc::file_exists);
    add_directory(op.path.text());
    return files::Done{};
  }
  files::Answer run(const files::SetTimes& op) {
    times[op.path.text()] = op.times;
    return files::Done{};
  }
  files::Answer run(const files::SetTimesOpen& op) {
    times[open_.at(op.handle).path] = op.times;
    return files::Done{};
  }
  template <class Unused>
  files::Answer run(const Unused&) {
    return failed(std::errc::function_not_supported);
  }

  std::map<std::uint32_t, Open> open_;
  std::uint64_t numbers_ = 0;
};

// Feeds `input` to a session over `files`; what it sends meanwhile.
inline std::string scp_said(scp::Session& session, ScpFiles& files, std::string_view input = {}) {
  std::string said;
  const auto take = [&](std::size_t size) {
    const auto bytes = session.output().bytes().first(std::min(size, session.output().size()));
    said.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    session.output().consume(bytes.size());
  };
  if (!session.feed(std::as_bytes(std::span(input)))) return "TOO MUCH";
  for (;;) {
    const auto operation = session.poll();
    take(1000);  // while a read may be under way
    if (operation) session.done(files.perform(*operation));
    if (operation || session.output().size() > 0 || session.more()) continue;
    return said;
  }
}
