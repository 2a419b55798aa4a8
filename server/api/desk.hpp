#pragma once
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "server/events/process.hpp"
#include "server/http/router.hpp"
#include "server/loop/workers.hpp"

namespace server {

class Events;

// What came of something that an administrator had the server do.
struct Outcome {
  http::Reply reply;
  std::string text = "done";  // or why not
  std::string subject = {};   // of the act, where it was not known before
};
Outcome refused(unsigned status, const std::string& title, const std::string& why,
                const std::string& fix = {});

// Where a question that waits for the disk is answered: the worker puts the whole answer together, so that
// the loop has no more to do than to send it. A bounded number waits. Lives on the loop.
class Desk {
 public:
  static constexpr std::size_t most_waiting = 64;

  Desk(Workers& workers, Events& events) : workers_(workers), events_(events) {}
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  // `then` hears on the loop what `work` returned, or nothing when there was no memory, and answers.
  template <class Work, class Then>
  void ask(http::Respond respond, Work work, Then then) {
    if (waiting_ >= most_waiting) return respond(busy());
    workers_.run(std::move(work),
                 [this, respond = std::move(respond), then = std::move(then)](auto result) mutable {
                   --waiting_;
                   then(std::move(result), std::move(respond));
                 });
    ++waiting_;
  }

  // `work` returns the Reply. What it throws is an answer too.
  template <class Work>
  void answer(http::Respond respond, Work work) {
    ask(
        std::move(respond), [work = std::move(work)]() mutable { return made(work); },
        [](std::optional<http::Reply> reply, http::Respond to) {
          to(reply ? std::move(*reply) : failed_for_memory().reply);
        });
  }

  // The same for what changes something: `work` returns an Outcome, and the act is told, whatever came of it;
  // before that `then` hears on the loop whether it was done.
  template <class Work, class Then>
  void act(http::Respond respond, event::Acted act, Work work, Then then) {
    ask(
        std::move(respond), [work = std::move(work)]() mutable { return done(work); },
        [this, act = std::move(act), then = std::move(then)](std::optional<Outcome> outcome,
                                                             http::Respond to) mutable {
          if (!outcome) outcome = failed_for_memory();
          then(outcome->text == "done");
          tell(std::move(act), std::move(*outcome), std::move(to));
        });
  }
  template <class Work>
  void act(http::Respond respond, event::Acted what, Work work) {
    act(std::move(respond), std::move(what), std::move(work), [](bool) {});
  }

  // Tells what somebody did.
  void tell(const event::Acted& act) const;
  // And answers.
  void tell(event::Acted act, Outcome outcome, http::Respond respond);
  static Outcome failed(const std::exception& error);
  static Outcome failed_for_memory();

 private:
  template <class Work>
  static http::Reply made(Work& work) {
    try {
      return work();
    } catch (const std::exception& e) {
      return failed(e).reply;
    }
  }
  template <class Work>
  static Outcome done(Work& work) {
    try {
      return work();
    } catch (const std::exception& e) {
      return failed(e);
    }
  }
  static http::Reply busy();

  Workers& workers_;
  Events& events_;
  std::size_t waiting_ = 0;
};

// Who asks, for the log: the user or the token, or somebody of this host.
std::string who_asks(const http::Request& request);

}  // namespace server
