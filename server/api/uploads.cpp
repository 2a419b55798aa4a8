#include "server/api/uploads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "server/events/process.hpp"
#include "server/files/library.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/lanes.hpp"
#include "server/text/json.hpp"
#include "server/text/json_reader.hpp"
#include "storage/import/digest_file.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;
using http::Reply;
using http::Role;
using Why = storage::DropUploadFault::Why;

constexpr auto sweep_pause = 1h;
constexpr std::size_t longest_time = 64;
constexpr auto begin_again = "POST /api/v1/uploads begins it again";

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// A session ends with a new login, and the user goes on with what is there.
std::string owner_of(const http::Request& request) {
  return request.login.starts_with("token ") ? request.login : request.name;
}

void tell_offset(Reply& reply, std::uint64_t offset) {
  reply.headers.emplace_back("Upload-Offset", fmt::format("{}", offset));
}

Outcome refusal_of(const storage::DropUploadFault& fault) {
  switch (fault.why) {
    case Why::gone:
      return refused(404, "not found", fault.text, begin_again);
    case Why::offset: {
      auto other = refused(409, "another offset", fault.text, "go on with Upload-Offset of this answer");
      tell_offset(other.reply, fault.offset);
      return other;
    }
    case Why::too_long:
      return refused(400, "too long", fault.text, begin_again);
    case Why::taken:
      return refused(409, "name is taken", fault.text, "wait until it is imported, or take it away there");
    case Why::published:
      return refused(409, "published already", fault.text,
                     "POST /api/v1/releases/PATH/verify reads its files again");
    case Why::too_many: {
      auto wait = refused(429, "too many uploads", fault.text,
                          "wait until one has ended, or remove one: DELETE /api/v1/uploads/ID");
      wait.reply.headers.emplace_back("Retry-After",
                                      fmt::format("{}", storage::DropUploads::at_once.count()));
      return wait;
    }
    case Why::no_room:
      return refused(507, "no room", fault.text, "make room on the disk of the depot, and go on");
    case Why::wrong_digest:
      break;
  }
  return refused(422, "another digest", fault.text, "download the file again, and upload it");
}

std::string json_of(const storage::DropUpload& upload) {
  JsonObject object;
  object.add_safe("id", upload.id);
  object.add("name", upload.file.name, whole);
  object.add("size", upload.file.size);
  object.add("offset", upload.offset);
  return object.text() + "\n";
}

Reply told(const storage::DropUpload& upload, unsigned status) {
  Reply reply{.status = status, .body = json_of(upload)};
  tell_offset(reply, upload.offset);
  return reply;
}

Outcome begun(const storage::DropUploads::Result<storage::DropUpload>& upload) {
  if (!upload) return refusal_of(upload.error());
  auto reply = told(*upload, upload->offset == 0 ? 201 : 200);
  reply.headers.emplace_back("Location", fmt::format("/api/v1/uploads/{}", upload->id));
  return {std::move(reply)};
}

// What a worker answers, and what became of the upload.
struct Step {
  std::optional<Outcome> ended;  // the request ends so
  std::uint64_t offset = 0;
  std::string name{};
  bool published = false;
};

Step step_of(storage::DropUploads::Result<storage::DropUpload> upload) {
  if (!upload) return {refusal_of(upload.error())};
  return {{}, upload->offset, std::move(upload->file.name)};
}

template <class Work>
Step tried(Work work) {
  try {
    return work();
  } catch (const std::exception& e) {
    return {Desk::failed(e)};
  }
}

// A member that may be missing or null, and is "" then; nothing where it is of another kind.
std::optional<std::string> text_or_nothing(const YAML::Node& node, const char* key) {
  const auto value = node[key];
  return value && !value.IsNull() ? member<std::string>(node, key) : std::string();
}

bool is_time(const std::string& text) {
  return text.size() <= longest_time &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace

std::expected<storage::AnnouncedFile, Outcome> read_announcement(const std::string& body,
                                                                 const std::string& owner) {
  const auto bad = [](const std::string& why, unsigned status = 400) {
    return std::unexpected(refused(status, status == 400 ? "bad request" : "not imported", why));
  };
  YAML::Node node;
  try {
    node = read_object(body, "the request");
  } catch (const std::runtime_error& e) {
    return bad(e.what());
  }
  const auto name = member<std::string>(node, "name");
  if (!name) return bad("the request has no name");
  if (const auto fault = storage::fault_of_drop_name(*name))
    return bad(fault->text, fault->plain ? 415 : 400);
  const auto size = member<std::uint64_t>(node, "size");
  if (!size) return bad("size is not a number of bytes");
  if (*size == 0) return bad("the file is empty; download or copy it again");
  const auto modified = text_or_nothing(node, "last_modified");
  if (!modified || !is_time(*modified)) return bad("last_modified is not a time");
  const auto digest = text_or_nothing(node, "sha512");
  const auto sha512 = storage::parse_digest(digest.value_or(""), storage::DigestKind::sha512);
  if (sha512.empty() && digest != "") return bad("sha512 is not 128 hexadecimal digits");
  return storage::AnnouncedFile{owner, *name, *size, *modified, sha512};
}

// One body on its way. Of it nothing is kept here but how far it is.
class UploadsApi::Arrival final : public http::Receiver {
 public:
  Arrival(UploadsApi& api, const http::Request& request, std::string id)
      : api_(api),
        id_(std::move(id)),
        who_(who_asks(request)),
        type_(request.content_type),
        source_(client_network(request.address())),
        wanted_(request.upload_offset) {}

  net::awaitable<std::optional<Reply>> begin(std::optional<std::uint64_t> size) override {
    if (type_ != "application/octet-stream")
      co_return http::problem(415, "unsupported media type", "a piece is application/octet-stream",
                              "send the header Content-Type: application/octet-stream");
    if (!wanted_)
      co_return http::problem(400, "bad request", "there is no header Upload-Offset with a number",
                              "send how many bytes the server has: GET tells it");
    const auto look = [&uploads = api_.uploads_, id = id_, offset = *wanted_, size] {
      return tried([&] { return beginning(uploads, id, offset, size); });
    };
    auto step = co_await api_.sources_.lanes.storing.run(source_, look);
    offset_ = *wanted_;
    co_return ended(std::move(step));
  }

  net::awaitable<std::optional<Reply>> take(std::span<const std::byte> piece) override {
    const auto write = [&uploads = api_.uploads_, id = id_, offset = offset_, piece] {
      return tried([&] { return step_of(uploads.append(id, offset, piece)); });
    };
    auto step = co_await api_.sources_.lanes.storing.run(source_, write);
    offset_ = step.offset;
    co_return ended(std::move(step));
  }

  net::awaitable<Reply> end() override {
    const auto publish = [&uploads = api_.uploads_, id = id_] {
      return tried([&] {
        const auto upload = uploads.publish(id);
        auto step = step_of(upload);
        step.published = upload && upload->is_whole();
        return step;
      });
    };
    auto step = co_await api_.sources_.lanes.storing.run(source_, publish);
    if (step.published || step.ended) tell(step);
    if (step.ended) co_return std::move(step.ended->reply);
    Reply reply{.status = 204};
    tell_offset(reply, step.offset);
    co_return reply;
  }

 private:
  // Nothing of a body that would be too long is asked for.
  static Step beginning(storage::DropUploads& uploads, const std::string& id, std::uint64_t offset,
                        std::optional<std::uint64_t> size) {
    const auto none = uploads.append(id, offset, {});
    if (none && size && *size > none->file.size - none->offset)
      return {refusal_of({Why::too_long, fmt::format("{} bytes were announced, and {} came with {} there",
                                                     none->file.size, *size, none->offset)})};
    return step_of(none);
  }

  std::optional<Reply> ended(Step step) const {
    if (!step.ended) return {};
    return std::move(step.ended->reply);
  }

  void tell(const Step& step) const {
    api_.desk_.tell(
        {who_, "upload", step.name.empty() ? id_ : step.name, step.ended ? step.ended->text : "done"});
  }

  UploadsApi& api_;
  const std::string id_, who_, type_;
  const net::ip::address source_;
  const std::optional<std::uint64_t> wanted_;
  std::uint64_t offset_ = 0;
};

UploadsApi::UploadsApi(const ApiSources& sources, Desk& desk)
    : sources_(sources), desk_(desk), uploads_(sources.library.uploads), sweeping_(sources.loop) {}

void UploadsApi::offer(http::Router& router) {
  const http::Doors doors{http::Door::control, http::Door::page};
  router.add({"POST", "/api/v1/uploads", Role::admin, true, doors,
              [this](const http::Request& request, const std::string&, http::Respond respond) {
                announce(request, std::move(respond));
              }});
  router.add({"GET", "/api/v1/uploads/{}", Role::admin, false, doors,
              [this](const http::Request& request, const std::string& id, http::Respond respond) {
                tell(request, id, std::move(respond));
              }});
  router.add({"PATCH", "/api/v1/uploads/{}", Role::admin, true, doors, nullptr,
              [this](const http::Request& request, const std::string& id) { return receive(request, id); }});
  router.add({"DELETE", "/api/v1/uploads/{}", Role::admin, true, doors,
              [this](const http::Request& request, const std::string& id, http::Respond respond) {
                remove(request, id, std::move(respond));
              }});
}

// On the thread that imports: what was whole when the server was killed is in drop/ before it is looked at.
void UploadsApi::begin() {
  sources_.lanes.importing.post([&uploads = uploads_, now = seconds_now()] { uploads.sweep(now); });
  sweeping_.expires_after(sweep_pause);
  sweeping_.async_wait([this](error_code error) {
    if (!error) begin();
  });
}

void UploadsApi::announce(const http::Request& request, http::Respond respond) {
  if (request.content_type != "application/json")
    return respond(http::problem(415, "unsupported media type", "an upload is announced as application/json",
                                 "send the header Content-Type: application/json"));
  desk_.act(asker_of(request), std::move(respond), {who_asks(request), "begin upload", {}, {}},
            [&uploads = uploads_, body = request.body, owner = owner_of(request)] {
              const auto file = read_announcement(body, owner);
              if (!file) return file.error();
              auto outcome = begun(uploads.begin(*file, seconds_now()));
              outcome.subject = file->name;
              return outcome;
            });
}

void UploadsApi::tell(const http::Request& request, const std::string& id, http::Respond respond) {
  desk_.answer(asker_of(request), std::move(respond), [&uploads = uploads_, id] {
    const auto upload = uploads.find(id);
    return upload ? told(*upload, 200) : refusal_of(upload.error()).reply;
  });
}

void UploadsApi::remove(const http::Request& request, const std::string& id, http::Respond respond) {
  desk_.act(asker_of(request), std::move(respond), {who_asks(request), "remove upload", id, {}},
            [&uploads = uploads_, id] {
              const auto removed = uploads.remove(id);
              if (!removed) return refusal_of(removed.error());
              return Outcome{{.status = 204}, "done", removed->file.name};
            });
}

std::unique_ptr<http::Receiver> UploadsApi::receive(const http::Request& request, const std::string& id) {
  return std::make_unique<Arrival>(*this, request, id);
}

}  // namespace server
