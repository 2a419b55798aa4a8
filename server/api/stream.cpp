#include "server/api/stream.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <optional>

#include "server/api/log.hpp"
#include "server/api/transfers.hpp"
#include "server/events/event.hpp"
#include "server/events/import.hpp"
#include "server/events/syslog.hpp"
#include "server/events/transfer.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;
using Text = std::shared_ptr<const std::string>;

constexpr auto period = 1s, silence = 15s;
constexpr std::size_t rows_a_turn = 100, looked_at_a_turn = 1000;  // what keeps a turn below a millisecond
constexpr std::size_t most_notices = 500;                          // kept for those who are slow
constexpr const char* topic_names[]{"transfers", "misses", "ended", "imports", "log", "health"};

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Text message(std::string_view event, std::string_view data) {
  return std::make_shared<const std::string>(fmt::format("event: {}\ndata: {}\n\n", event, data));
}

// What becomes of a bundle in drop/, for the topic "imports"; nothing for any other event.
struct ImportOf {
  std::string told(const std::string& file, std::string_view state) const {
    JsonObject object;
    object.add_safe("file", escaped_path(file));
    object.add_safe("state", state);
    return object.text();
  }
  std::string operator()(const event::ImportStarted& e) const { return told(e.file, "running"); }
  std::string operator()(const event::ImportProgress& e) const {
    JsonObject object;
    object.add_safe("file", escaped_path(e.file));
    object.add_safe("state", "running");
    object.add("done", e.done), object.add("total", e.total);
    return object.text();
  }
  std::string operator()(const event::Published& e) const {
    return told(e.file, e.imported.already_there ? "already_there" : "published");
  }
  std::string operator()(const event::ImportRejected& e) const { return told(e.file, "rejected"); }
  std::string operator()(const event::ImportFailed& e) const { return told(e.file, "failed"); }
  std::string operator()(const event::ImportGone& e) const { return told(e.file, "gone"); }
  std::string operator()(const auto&) const { return {}; }
};

// Another handler may run in between.
net::awaitable<void> let_others() { return net::post(net::use_awaitable); }

void append(std::string& list, std::string_view item) {
  list.append(list.empty() || list.ends_with('[') ? "" : ",").append(item);
}

}  // namespace

// What the viewers look at.
struct Stream::Shared {
  struct Notice {
    std::uint64_t id;
    std::string topic;
    Text text;
  };

  explicit Shared(const RecentLog& lines) : log(lines) {}

  const RecentLog& log;
  std::uint64_t tick = 0, all_tick = 0;
  Text moved, all;  // of that tick
  bool all_wanted = false;
  bool over = false;
  std::deque<Notice> notices;
  std::uint64_t last_notice = 0;
  std::list<Viewer*> viewers;  // the oldest first
};

class Stream::Viewer : public http::Feed {
 public:
  Viewer(net::io_context& loop, std::shared_ptr<Shared> shared, std::string login,
         std::set<std::string> topics, RecentLog::Filter filter, std::uint64_t line)
      : shared_(std::move(shared)),
        login_(std::move(login)),
        topics_(std::move(topics)),
        filter_(std::move(filter)),
        line_(line),
        notice_(shared_->last_notice),
        wake_(loop, net::steady_timer::time_point::max()) {
    shared_->viewers.push_back(this);
    if (topics_.contains("transfers")) shared_->all_wanted = true;
  }
  ~Viewer() override { shared_->viewers.remove(this); }

  const std::string& login() const { return login_; }
  bool leaves() const { return leaves_; }
  void leave() {
    leaves_ = true;
    wake();
  }
  void wake() { wake_.cancel(); }

  net::awaitable<Text> next() override {
    const auto silent_until = std::chrono::steady_clock::now() + silence;
    for (;;) {
      if (shared_->over || (leaves_ && told_to_leave_)) co_return nullptr;
      if (auto text = what_is_new()) co_return text;
      if (has_lines()) {
        co_await let_others();
        continue;
      }
      if (std::chrono::steady_clock::now() >= silent_until)
        co_return std::make_shared<const std::string>(": still here\n\n");
      wake_.expires_at(silent_until);  // others' news wake it each second
      co_await wake_.async_wait(net::as_tuple(net::use_awaitable));
    }
  }

 private:
  Text what_is_new() {
    if (leaves_) {
      told_to_leave_ = true;
      return message("elsewhere", "{}");
    }
    if (!greeted_) {
      greeted_ = true;
      JsonObject object;
      object.add_safe("version", APDEPOT_VERSION);
      object.add("at", now_ms());
      return message("hello", object.text());
    }
    if (topics_.contains("transfers"))
      if (auto text = transfers()) return text;
    if (auto text = notice()) return text;
    return has_lines() ? lines() : nullptr;
  }

  // Which it has not looked at.
  bool has_lines() const { return topics_.contains("log") && line_ < shared_->log.last(); }

  // What moved since, where the last message was that before; else all.
  Text transfers() {
    const auto tick = shared_->tick;
    if (seen_ && *seen_ == tick) return nullptr;
    if (seen_ && *seen_ + 1 == tick) {
      seen_ = tick;
      return shared_->moved;
    }
    if (shared_->all && shared_->all_tick == tick) {
      seen_ = tick;
      return shared_->all;
    }
    shared_->all_wanted = true;
    return nullptr;
  }

  Text notice() {
    for (const auto& each : shared_->notices) {
      if (each.id <= notice_) continue;
      notice_ = each.id;
      if (topics_.contains(each.topic)) return each.text;
    }
    return nullptr;
  }

  Text lines() {
    const auto& all = shared_->log.lines();
    std::string text;
    if (!all.empty() && all.front().id > line_ + 1) {
      text += fmt::format("event: gap\ndata: {{\"lines\":{}}}\n\n", all.front().id - line_ - 1);
      line_ = all.front().id - 1;
    }
    std::size_t count = 0;
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(line_ + 1 - all.front().id);
    for (auto line = first; line != all.end() && count < RecentLog::looked_at_a_turn; ++line, ++count) {
      line_ = line->id;
      if (filter_.takes(*line))
        text += fmt::format("id: {}\nevent: log\ndata: {}\n\n", line->id, json_of(*line));
    }
    return text.empty() ? nullptr : std::make_shared<const std::string>(std::move(text));
  }

  const std::shared_ptr<Shared> shared_;
  const std::string login_;
  const std::set<std::string> topics_;
  const RecentLog::Filter filter_;
  std::uint64_t line_, notice_;        // the last that it was told of
  std::optional<std::uint64_t> seen_;  // that tick
  bool greeted_ = false, leaves_ = false, told_to_leave_ = false;
  net::steady_timer wake_;
};

Stream::Stream(net::io_context& loop, const Running& running, const RecentLog& log)
    : loop_(loop), running_(running), shared_(std::make_shared<Shared>(log)) {}

Stream::~Stream() { shared_->over = true; }

std::size_t Stream::viewers() const { return shared_->viewers.size(); }

void Stream::offer(http::Router& router) {
  router.add(
      {"GET",
       "/api/v1/stream",
       http::Role::viewer,
       false,
       {http::Door::control, http::Door::page},
       http::at_once([this](const http::Request& request, const std::string&) { return open(request); })});
}

http::Reply Stream::open(const http::Request& request) {
  Query query(request.query, {"topics", "level", "q"});
  auto filter = filter_of(query);
  std::set<std::string> topics;
  const auto wanted = query.text("topics").value_or("");
  for (std::string_view rest = wanted; !rest.empty();) {
    const std::string topic(rest.substr(0, rest.find(',')));
    rest.remove_prefix(std::min(topic.size() + 1, rest.size()));
    if (std::ranges::find(topic_names, topic) == std::end(topic_names))
      query.refuse(fmt::format("{} is not a topic: {} are", escaped(topic), fmt::join(topic_names, ", ")));
    topics.insert(topic);
  }
  if (!query.fault().empty()) return http::safe_problem(400, "bad request", query.fault());
  if (topics.empty()) topics.insert(std::begin(topic_names), std::end(topic_names));
  if (shared_->over || shared_->viewers.size() >= most) {
    auto full = http::problem(503, "too many streams",
                              shared_->over ? "the server is stopping"
                                            : fmt::format("{} streams are open, which is the bound", most),
                              "close one, and try again");
    full.headers.emplace_back("Retry-After", "10");
    return full;
  }
  const auto is_his = [&](const Viewer* viewer) {
    return !request.login.empty() && viewer->login() == request.login && !viewer->leaves();
  };
  if (static_cast<std::size_t>(std::ranges::count_if(shared_->viewers, is_his)) >= most_of_a_login)
    (*std::ranges::find_if(shared_->viewers, is_his))->leave();
  const auto line = request.last_event.value_or(shared_->log.last());
  http::Reply reply{.type = "text/event-stream"};
  reply.feed = std::make_shared<Viewer>(loop_, shared_, request.login, std::move(topics), std::move(filter),
                                        std::min(line, shared_->log.last()));
  run();
  return reply;
}

void Stream::tell(const char* topic, const char* name, const std::string& data) {
  if (shared_->notices.size() == most_notices) shared_->notices.pop_front();
  shared_->notices.push_back({++shared_->last_notice, topic, message(name, data)});
}

void Stream::note(const Event& event) {
  if (shared_->viewers.empty()) return;
  if (const auto* ended = event.get_if<event::TransferEnded>()) {
    ended_.emplace(ended->number, Ended{ended->name, outcome_of(*ended), ended->bytes, shared_->tick});
    tell("ended", "ended", to_json(Recent::At<event::TransferEnded>{Recent::Clock::now(), *ended}));
  } else if (const auto* missed = event.get_if<event::Missed>()) {
    tell("misses", "miss", to_json(Recent::At<event::Missed>{Recent::Clock::now(), *missed}));
  } else if (const auto* said = event.get_if<event::ControllerSaid>()) {
    if (said->bad)
      tell("misses", "heard", to_json(Recent::At<event::ControllerSaid>{Recent::Clock::now(), *said}));
  } else if (const auto import = event.visit(ImportOf{}); !import.empty()) {
    tell("imports", "import", import);
  }
}

void Stream::end() {
  shared_->over = true;
  for (auto* viewer : shared_->viewers) viewer->wake();
}

void Stream::run() {
  if (std::exchange(ticking_, true)) return;
  net::co_spawn(loop_, tick(), [this](const std::exception_ptr& error) {
    ticking_ = false;
    if (error) std::rethrow_exception(error);
  });
}

// As long as somebody looks.
net::awaitable<void> Stream::tick() {
  net::steady_timer timer(loop_);
  while (!shared_->viewers.empty() && !shared_->over) {
    const auto at = now_ms();
    const auto lists = co_await moved();
    const auto newest = newest_;
    auto text = fmt::format("event: transfers\ndata: {{\"at\":{},\"add\":[", at);
    text = co_await added(std::move(text));
    text.append("],").append(lists.empty() ? "\"move\":[],\"end\":[]" : lists).append("}\n\n");
    shared_->moved =
        lists.empty() && newest_ == newest ? nullptr : std::make_shared<const std::string>(std::move(text));
    if (std::exchange(shared_->all_wanted, false)) co_await compose_all();
    ++shared_->tick;
    for (auto* viewer : shared_->viewers) viewer->wake();
    timer.expires_after(period);
    co_await timer.async_wait(net::use_awaitable);
  }
  told_.clear();
  ended_.clear();
  newest_ = 0;
  shared_->notices.clear();
  shared_->moved = shared_->all = nullptr;
}

// "move" and "end", or nothing.
net::awaitable<std::string> Stream::moved() {
  std::string move, end;
  std::size_t count = 0;
  const auto now = Running::Clock::now();
  for (auto each = told_.begin(); each != told_.end();) {
    auto& [id, told] = *each;
    const auto row = running_.rows().find(id);
    if (row == running_.rows().end()) {
      auto [ended, last] = ended_.equal_range(told.number);
      while (ended != last && ended->second.name != told.name) ++ended;
      const bool known = ended != last;
      append(end, fmt::format("[{},\"{}\",{}]", id, known ? ended->second.outcome : "broke_off",
                              known ? ended->second.bytes : told.bytes));
      if (known) ended_.erase(ended);
      each = told_.erase(each);
    } else {
      const auto is = row->second.moving->moved();
      const bool stalled = movement_of(row->second, is, now) == Movement::stalled;
      if (is.resent != told.resent) {
        append(move, fmt::format("[{},{},{}]", id, is.bytes, is.resent));
      } else if (is.bytes != told.bytes) {
        append(move, fmt::format("[{},{}]", id, is.bytes));
      }
      if (stalled && !told.stalled) {
        const auto still = std::chrono::duration_cast<std::chrono::milliseconds>(now - is.last).count();
        tell("transfers", "stalled", fmt::format("{{\"id\":{},\"since\":{}}}", id, now_ms() - still));
      }
      told.bytes = is.bytes, told.resent = is.resent, told.stalled = stalled;
      ++each;
    }
    if (++count % looked_at_a_turn != 0 || each == told_.end()) continue;
    const auto next = each->first;
    co_await let_others();
    each = told_.lower_bound(next);
  }
  std::erase_if(ended_, [this](const auto& each) { return each.second.tick + 1 < shared_->tick; });
  if (move.empty() && end.empty()) co_return std::string();
  co_return fmt::format("\"move\":[{}],\"end\":[{}]", move, end);
}

// `list`, with those that began since the last tick. Their numbers grow.
net::awaitable<std::string> Stream::added(std::string list) {
  std::size_t count = 0;
  for (;;) {
    const auto row = running_.rows().upper_bound(newest_);
    if (row == running_.rows().end()) co_return list;
    newest_ = row->first;
    const auto now = Running::Clock::now();
    const auto is = row->second.moving->moved();
    told_[row->first] = {is.bytes, is.resent, row->second.what.number, row->second.what.name,
                         movement_of(row->second, is, now) == Movement::stalled};
    append(list, to_json(row->first, row->second, now));
    if (++count % rows_a_turn == 0) co_await let_others();
  }
}

net::awaitable<void> Stream::compose_all() {
  auto text = fmt::format("event: transfers\ndata: {{\"full\":true,\"at\":{},\"rows\":[", now_ms());
  std::size_t count = 0;
  for (Running::Id after = 0;;) {
    const auto row = running_.rows().upper_bound(after);
    if (row == running_.rows().end()) break;
    after = row->first;
    append(text, to_json(row->first, row->second, Running::Clock::now()));
    if (++count % rows_a_turn == 0) co_await let_others();
  }
  shared_->all = std::make_shared<const std::string>(std::move(text.append("]}\n\n")));
  shared_->all_tick = shared_->tick + 1;
}

}  // namespace server
