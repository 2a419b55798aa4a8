#include "protocols/sftp/session.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>

namespace sftp {
namespace {

// OpenSSH's numbers, announced by limits@openssh.com; its client asks for reads of this size and no longer of
// 32 KiB.
constexpr std::uint32_t longest_packet = 256 * 1024;
constexpr std::uint32_t longest_read = longest_packet - 1024;
constexpr std::size_t most_handles = 1024;
constexpr std::size_t entries_at_once = 100;

constexpr std::size_t enough_output = 256 << 10;  // beyond it no further request is begun
// A client may fill its whole window (1.28 MB in libssh) before we answer; nobody has a reason to send more
// than this.
constexpr std::size_t most_input = 2 * 1024 * 1024 + longest_packet;

std::string_view handle_text(std::array<char, 4>& buffer, std::uint32_t handle) {
  Output::put(std::as_writable_bytes(std::span(buffer)), handle);
  return {buffer.data(), buffer.size()};
}

constexpr std::string_view mode_letters = "rwxrwxrwx";

std::string mode_text(std::uint32_t mode, storage::Kind kind) {
  std::string text(1, kind == storage::Kind::directory ? 'd' : kind == storage::Kind::link ? 'l' : '-');
  for (unsigned i = 0; i < mode_letters.size(); ++i)
    text += (mode >> (8 - i) & 1) != 0 ? mode_letters[i] : '-';
  return text;
}

}  // namespace

std::string_view text_of(Status status) {
  constexpr std::array<std::string_view, 9> texts{
      "Success",     "End of file",   "No such file",    "Permission denied",    "Failure",
      "Bad message", "No connection", "Connection lost", "Operation unsupported"};
  return texts[static_cast<std::size_t>(status)];
}

Status status_of(std::error_code error) {
  using enum std::errc;
  if (error == no_such_file_or_directory || error == not_a_directory ||
      error == too_many_symbolic_link_levels) {
    return Status::no_such_file;
  }
  if (error == permission_denied || error == operation_not_permitted) return Status::permission_denied;
  if (error == filename_too_long || error == invalid_argument) return Status::bad_message;
  if (error == function_not_supported) return Status::op_unsupported;
  return Status::failure;
}

std::string flags_text(std::uint32_t flags) {
  struct Name {
    std::uint32_t flag;
    std::string_view text;
  };
  constexpr std::array names{Name{open_flag::read, "READ"},         Name{open_flag::write, "WRITE"},
                             Name{open_flag::append, "APPEND"},     Name{open_flag::create, "CREATE"},
                             Name{open_flag::truncate, "TRUNCATE"}, Name{open_flag::exclusive, "EXCL"}};
  std::string text;
  for (const auto& name : names) {
    if ((flags & name.flag) != 0) text.append(text.empty() ? "" : ",").append(name.text);
  }
  return text;
}

// One row a request. `writes` is the whole read-only policy: a request that writes needs no handler, because
// no session may write, and a new request cannot forget it.
struct Session::Row {
  Type type;
  std::string_view extension;  // for Type::extended
  std::string_view name;
  bool writes;
  void (Session::*run)(std::uint32_t id, Reader& reader);
};

std::span<const Session::Row> Session::rows() {
  static constexpr std::array table{
      Row{Type::open, "", "open", false, &Session::open},  // looks at its flags itself
      Row{Type::close, "", "close", false, &Session::close},
      Row{Type::read, "", "read", false, &Session::read},
      Row{Type::write, "", "write", true, nullptr},
      Row{Type::lstat, "", "lstat", false, &Session::lstat},
      Row{Type::fstat, "", "fstat", false, &Session::fstat},
      Row{Type::setstat, "", "setstat", true, nullptr},
      Row{Type::fsetstat, "", "fsetstat", true, nullptr},
      Row{Type::opendir, "", "opendir", false, &Session::opendir},
      Row{Type::readdir, "", "readdir", false, &Session::readdir},
      Row{Type::remove, "", "remove", true, nullptr},
      Row{Type::mkdir, "", "mkdir", true, nullptr},
      Row{Type::rmdir, "", "rmdir", true, nullptr},
      Row{Type::realpath, "", "realpath", false, &Session::realpath},
      Row{Type::stat, "", "stat", false, &Session::stat},
      Row{Type::rename, "", "rename", true, nullptr},
      Row{Type::readlink, "", "readlink", false, &Session::readlink},
      Row{Type::symlink, "", "symlink", true, nullptr},
      Row{Type::extended, "limits@openssh.com", "limits", false, &Session::limits},
      Row{Type::extended, "posix-rename@openssh.com", "posix-rename", true, nullptr},
      Row{Type::extended, "hardlink@openssh.com", "hardlink", true, nullptr},
      Row{Type::extended, "fsync@openssh.com", "fsync", true, nullptr},
      Row{Type::extended, "lsetstat@openssh.com", "lsetstat", true, nullptr},
      Row{Type::extended, "copy-data", "copy-data", true, nullptr},
  };
  return table;
}

bool Session::feed(Bytes bytes) {
  if (broken_ || input_.size() - parsed_ + bytes.size() > most_input) return false;
  input_.insert(input_.end(), bytes.begin(), bytes.end());
  return true;
}

std::optional<Operation> Session::poll() {
  while (!broken_ && !pending_ && output_.size() < enough_output) {
    const auto packet = next_packet();
    if (!packet) break;
    dispatch(*packet);
  }
  if (parsed_ > 0 && (parsed_ == input_.size() || parsed_ >= longest_packet)) {
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(std::exchange(parsed_, 0)));
    if (input_.empty()) input_.shrink_to_fit();
  }
  if (!pending_ || std::exchange(pending_->given, true)) return {};
  return pending_->operation;
}

std::optional<Bytes> Session::next_packet() {
  const auto rest = Bytes(input_).subspan(parsed_);
  if (rest.size() < 4) return {};
  const auto size = Reader(rest).u32();
  if (size == 0 || size > longest_packet) {
    broken_ = true;
    return {};
  }
  if (rest.size() - 4 < size) return {};
  parsed_ += 4 + size;
  return rest.subspan(4, size);
}

void Session::dispatch(Bytes packet) {
  const auto type = static_cast<Type>(packet[0]);
  Reader reader(packet.subspan(1));
  if (!started_) {
    if (type == Type::init) return init(reader);
    broken_ = true;
    return;
  }
  const auto id = reader.u32();
  const auto extension = type == Type::extended ? reader.string() : std::string_view{};
  if (!reader.ok() || type == Type::init) {
    broken_ = true;
    return;
  }
  for (const auto& row : rows()) {
    if (row.type != type || row.extension != extension) continue;
    if (!row.writes) return (this->*row.run)(id, reader);
    events_.push_back(event::Refused{row.name});
    return send_status(id, Status::permission_denied);
  }
  events_.push_back(event::Unknown{static_cast<std::uint32_t>(type), std::string(extension)});
  send_status(id, Status::op_unsupported);
}

void Session::init(Reader& reader) {
  const auto version = reader.u32();
  if (!reader.ok()) {
    broken_ = true;
    return;
  }
  started_ = true;
  events_.push_back(event::ClientVersion{version});
  output_.begin_packet(Type::version);
  output_.u32(3);
  output_.string("limits@openssh.com");
  output_.string("1");
  output_.end_packet();
}

void Session::realpath(std::uint32_t id, Reader& reader) {
  const auto name = reader.string();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Realpath{std::string(name)});
  // OpenSSH takes the empty name for ".".
  const auto path = path_or_status(id, name.empty() ? "." : name);
  if (!path) return;
  const auto text = path->text();
  begin(Type::name, id);
  output_.u32(1);
  output_.string(text);
  output_.string(text);
  output_.u32(0);  // no attributes
  output_.end_packet();
}

void Session::stat(std::uint32_t id, Reader& reader) { examine(id, reader, storage::Links::follow); }
void Session::lstat(std::uint32_t id, Reader& reader) { examine(id, reader, storage::Links::keep); }

void Session::examine(std::uint32_t id, Reader& reader, storage::Links links) {
  const auto name = reader.string();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Stat{std::string(name), links == storage::Links::follow});
  if (const auto path = path_or_status(id, name)) ask(id, Examine{*path, links});
}

void Session::fstat(std::uint32_t id, Reader& reader) {
  std::uint32_t number = 0;
  const auto handle = reader.string();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  if (const auto* open = handle_or_status(id, handle, number)) {
    if (open->directory) return send_status(id, Status::failure);
    ask(id, ExamineOpen{number});
  }
}

void Session::open(std::uint32_t id, Reader& reader) {
  const auto name = reader.string();
  const auto flags = reader.u32();
  const auto attributes = reader.u32();
  if ((attributes & attribute_flag::size) != 0) reader.u64();
  if ((attributes & attribute_flag::uid_gid) != 0) reader.u64();
  const auto mode = (attributes & attribute_flag::permissions) != 0 ? reader.u32() : 0666;
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Open{std::string(name), flags, mode});
  constexpr auto writing = open_flag::write | open_flag::append | open_flag::create | open_flag::truncate;
  if ((flags & writing) != 0) {
    events_.push_back(event::Refused{"open"});
    return send_status(id, Status::permission_denied);
  }
  const auto path = path_or_status(id, name);
  if (!path) return;
  if (const auto handle = new_handle(id, name, false)) ask(id, OpenFile{*handle, *path});
}

void Session::opendir(std::uint32_t id, Reader& reader) {
  const auto name = reader.string();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Opendir{std::string(name)});
  const auto path = path_or_status(id, name);
  if (!path) return;
  if (const auto handle = new_handle(id, name, true)) ask(id, OpenDirectory{*handle, *path});
}

void Session::read(std::uint32_t id, Reader& reader) {
  std::uint32_t number = 0;
  const auto handle = reader.string();
  const auto offset = reader.u64();
  const auto size = std::min(reader.u32(), longest_read);
  if (!reader.ok()) return send_status(id, Status::bad_message);
  const auto* open = handle_or_status(id, handle, number);
  if (!open) return;
  // Beyond what a file offset can be there is no file.
  if (open->directory || offset > std::uint64_t{INT64_MAX} - size) return send_status(id, Status::failure);
  begin(Type::data, id);
  output_.u32(size);
  const auto into = output_.grow(size);
  ask(id, ReadFile{number, offset, into});
}

void Session::readdir(std::uint32_t id, Reader& reader) {
  std::uint32_t number = 0;
  const auto handle = reader.string();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  if (const auto* open = handle_or_status(id, handle, number)) {
    if (!open->directory) return send_status(id, Status::failure);
    ask(id, ReadDirectory{number, entries_at_once});
  }
}

void Session::close(std::uint32_t id, Reader& reader) {
  std::uint32_t number = 0;
  const auto handle = reader.string();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  if (auto* open = handle_or_status(id, handle, number)) {
    if (open->directory) {
      events_.push_back(event::Closedir{open->name, false});
    } else {
      events_.push_back(event::Close{open->name, open->read, false});
    }
    *open = {};
    ask(id, CloseHandle{number});
  }
}

void Session::readlink(std::uint32_t id, Reader&) { send_status(id, Status::permission_denied); }

void Session::limits(std::uint32_t id, Reader&) {
  begin(Type::extended_reply, id);
  output_.u64(longest_packet);
  output_.u64(longest_read);
  output_.u64(longest_read);  // writes
  output_.u64(most_handles);
  output_.end_packet();
}

std::optional<storage::Path> Session::path_or_status(std::uint32_t id, std::string_view name) {
  auto path = storage::Path::parse(name);
  if (path) return std::move(*path);
  send_status(id, path.error() == storage::PathError::too_long ? Status::bad_message : Status::no_such_file);
  return {};
}

std::optional<std::uint32_t> Session::new_handle(std::uint32_t id, std::string_view name, bool directory) {
  auto free = std::ranges::find(handles_, false, &Open::used);
  if (free == handles_.end()) {
    if (handles_.size() == most_handles) {
      send_status(id, Status::failure);
      return {};
    }
    handles_.emplace_back();
    free = std::prev(handles_.end());
  }
  *free = {true, directory, std::string(name), 0};
  return static_cast<std::uint32_t>(free - handles_.begin());
}

Session::Open* Session::handle_or_status(std::uint32_t id, std::string_view wire, std::uint32_t& number) {
  if (wire.size() == 4) {
    number = Reader(std::as_bytes(std::span(wire))).u32();
    if (number < handles_.size() && handles_[number].used) return &handles_[number];
  }
  send_status(id, Status::failure);
  return nullptr;
}

void Session::ask(std::uint32_t id, Operation operation) {
  pending_ = Pending{id, std::move(operation), false};
}

void Session::done(Answer answer) {
  std::visit([this](auto& result) { this->answer(result); }, answer);
  pending_.reset();
}

void Session::answer(const storage::Attributes& attributes) {
  begin(Type::attrs, pending_->id);
  put(attributes);
  output_.end_packet();
}

void Session::answer(std::size_t read) {
  const auto& asked = std::get<ReadFile>(pending_->operation);
  if (read == 0 && !asked.into.empty()) {
    output_.drop_packet();
    return send_status(pending_->id, Status::eof);
  }
  handles_[asked.handle].read += read;
  output_.shrink(asked.into.size() - read);
  Output::put({asked.into.data() - 4, 4}, read);  // the length that stands before the data
  output_.end_packet();
}

void Session::answer(const std::vector<storage::Entry>& entries) {
  if (entries.empty()) return send_status(pending_->id, Status::eof);
  begin(Type::name, pending_->id);
  output_.u32(static_cast<std::uint32_t>(entries.size()));
  for (const auto& entry : entries) {
    output_.string(entry.name);
    output_.string(long_name(entry));
    put(entry.attributes);
  }
  output_.end_packet();
}

void Session::answer(Done) {
  std::optional<std::uint32_t> opened;
  if (const auto* file = std::get_if<OpenFile>(&pending_->operation)) opened = file->handle;
  if (const auto* directory = std::get_if<OpenDirectory>(&pending_->operation)) opened = directory->handle;
  if (!opened) return send_status(pending_->id, Status::ok);
  std::array<char, 4> buffer{};
  begin(Type::handle, pending_->id);
  output_.string(handle_text(buffer, *opened));
  output_.end_packet();
}

void Session::answer(std::error_code error) {
  output_.drop_packet();
  if (const auto* file = std::get_if<OpenFile>(&pending_->operation)) handles_[file->handle] = {};
  if (const auto* directory = std::get_if<OpenDirectory>(&pending_->operation))
    handles_[directory->handle] = {};
  send_status(pending_->id, status_of(error));
}

void Session::close_all() {
  for (auto& open : handles_) {
    if (!open.used) continue;
    if (open.directory) {
      events_.push_back(event::Closedir{open.name, true});
    } else {
      events_.push_back(event::Close{open.name, open.read, true});
    }
    open = {};
  }
}

bool Session::idle() const {
  return !pending_ && output_.size() == 0 && std::ranges::none_of(handles_, &Open::used);
}

void Session::begin(Type type, std::uint32_t id) {
  output_.begin_packet(type);
  output_.u32(id);
}

void Session::send_status(std::uint32_t id, Status status) {
  events_.push_back(event::SentStatus{id, status});
  begin(Type::status, id);
  output_.u32(static_cast<std::uint32_t>(status));
  output_.string(text_of(status));
  output_.string("");  // language
  output_.end_packet();
}

void Session::put(const storage::Attributes& attributes) {
  output_.u32(attribute_flag::size | attribute_flag::uid_gid | attribute_flag::permissions |
              attribute_flag::times);
  output_.u64(attributes.size);
  output_.u32(attributes.uid);
  output_.u32(attributes.gid);
  output_.u32(attributes.mode);
  output_.u32(static_cast<std::uint32_t>(attributes.accessed));
  output_.u32(static_cast<std::uint32_t>(attributes.modified));
}

// As `ls -l` prints it, which is what clients show and some parse.
std::string Session::long_name(const storage::Entry& entry) const {
  const auto& a = entry.attributes;
  constexpr std::int64_t half_a_year = 365 * 24 * 60 * 60 / 2;
  constexpr std::int64_t last_second_of_9999 = 253'402'300'799;  // fmt throws beyond what a date can be
  const auto date =
      fmt::gmtime(static_cast<std::time_t>(std::clamp<std::int64_t>(a.modified, 0, last_second_of_9999)));
  const bool recent = std::abs(now_ - a.modified) < half_a_year;
  return fmt::format("{} {:3} {:<8} {:<8} {:8} {} {}", mode_text(a.mode, a.kind), a.links, a.uid, a.gid,
                     a.size, recent ? fmt::format("{:%b %e %H:%M}", date) : fmt::format("{:%b %e  %Y}", date),
                     entry.name);
}

}  // namespace sftp
