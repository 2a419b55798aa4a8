#include "server/probe/tftp_probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "server/probe/endpoint_text.hpp"
#include "server/probe/resolve.hpp"
#include "server/probe/tftp_verdict.hpp"
#include "server/text/escape.hpp"

namespace server::probe {
namespace {

using namespace std::chrono_literals;
using How = tftp::GetEnding::How;

constexpr auto longest_name_service = 10s;
// Of a try that only shows whether something comes.
constexpr std::chrono::milliseconds trial_patience = 8s;
constexpr std::uint64_t trial_blocks = 2;
constexpr std::uint16_t plain_block = 512, common_block = 1428;

std::vector<tftp::Option> options_of(std::uint16_t block_size) {
  return {{"tsize", "0"}, {"blksize", std::to_string(block_size)}, {"timeout", "5"}, {"windowsize", "1"}};
}

class Probe {
 public:
  Probe(const Target& target, const TftpManner& manner, const std::optional<Recorded>& recorded,
        const Progress& progress, Report& report)
      : target_(target), manner_(manner), recorded_(recorded), progress_(progress), report_(report) {}

  void run() {
    if (!find_server()) return;
    if (!manner_.plain) question_.options = options_of(manner_.block_size);
    report_.asked = question_.options;
    Content content(target_.path.substr(target_.path.rfind('/') + 1));
    const auto answer =
        fetch_tftp(question_, [&](std::span<const std::byte> bytes, std::optional<std::uint64_t> announced) {
          content.update(bytes);
          progress_(content.size(), announced);
        });
    take(answer);
    if (answer.ending.how == How::whole && !answer.unsendable) {
      if (auto fault = content.finish(answer.announced, recorded_, report_))
        fail(fault->cause, std::move(fault->what));
      return;
    }
    const auto cause = cause_of(answer);
    const bool about_options = cause == Cause::options && answer.ending.how == How::error;
    fail(manner_.plain && about_options ? Cause::error : cause, what_of(answer, question_));
    if (!manner_.plain) look_closer(answer);
  }

 private:
  bool find_server() {
    const auto resolved = resolve(target_.host, longest_name_service);
    if (resolved.addresses.empty()) {
      fail(Cause::no_address, fmt::format("{} has no address: {}", escaped(target_.host), resolved.error));
      return false;
    }
    const auto& address = resolved.addresses.front();
    question_ = {udp::endpoint(address, target_.port), target_.path, {}, manner_.patience};
    report_.host = address.to_string();
    report_.server = endpoint_text(question_.server);
    if (resolved.addresses.size() > 1)
      report_.notes.push_back(fmt::format("{} has {} addresses, and {} was asked", escaped(target_.host),
                                          resolved.addresses.size(), report_.host));
    return true;
  }

  void take(const TftpAnswer& answer) {
    if (answer.peer) report_.from = endpoint_text(*answer.peer);
    report_.answered_after = answer.answered_after;
    report_.given = answer.given.value_or(std::vector<tftp::Option>{});
    report_.announced = answer.announced;
    report_.bytes = answer.bytes;
    report_.resent = answer.resent;
    report_.seconds = answer.seconds;
  }

  void fail(Cause cause, std::string what) {
    report_.cause = cause;
    report_.what = std::move(what);
  }

  void look_closer(const TftpAnswer& answer) {
    const auto cause = report_.cause;
    if (cause == Cause::half_way && answer.given && answer.block_size > plain_block &&
        with_smaller_blocks(answer))
      return;
    if (cause == Cause::timed_out || cause == Cause::half_way || cause == Cause::options) without_options();
  }

  // It is in the report's trials then.
  TftpAnswer attempt(std::vector<tftp::Option> options) {
    TftpQuestion question{question_.server, question_.file, options,
                          std::min(manner_.patience, trial_patience), trial_blocks};
    auto answer = fetch_tftp(question, [](std::span<const std::byte>, std::optional<std::uint64_t>) {});
    const bool works = answer.ending.how == How::whole || answer.blocks >= trial_blocks;
    report_.trials.push_back({std::move(options), works ? "works" : what_of(answer, question), works});
    return answer;
  }

  bool with_smaller_blocks(const TftpAnswer& answer) {
    for (const auto size : {common_block, plain_block}) {
      if (size >= answer.block_size) continue;
      attempt(options_of(size));
      if (!report_.trials.back().works) continue;
      fail(Cause::fragments,
           fmt::format("blocks of {} bytes do not arrive, and blocks of {} do", answer.block_size, size));
      return true;
    }
    return false;
  }

  void without_options() {
    const bool silent = report_.cause != Cause::options;
    const auto plain = attempt({});
    const auto [options, result, works] = report_.trials.back();
    if (works) {
      auto what = report_.what + "; without options it works";
      fail(Cause::options, what + refused_options());
    } else if (silent && plain.ending.how == How::error) {
      fail(Cause::options, report_.what + "; without options there is an answer: " + result);
    } else if (!silent) {  // the options were not all
      const auto cause = cause_of(plain);
      fail(cause == Cause::options ? Cause::error : cause, report_.what + "; without options: " + result);
    }
  }

  // Which of them do not even work alone.
  std::string refused_options() {
    std::string refused;
    for (const auto& option : question_.options) {
      attempt({option});
      if (!report_.trials.back().works) refused += (refused.empty() ? "" : ", ") + option.name;
    }
    if (refused.empty()) return ", and with each of them alone";
    return "; what it does not take: " + refused;
  }

  const Target& target_;
  const TftpManner& manner_;
  const std::optional<Recorded>& recorded_;
  const Progress& progress_;
  Report& report_;
  TftpQuestion question_;
};

}  // namespace

void probe_tftp(const Target& target, const TftpManner& manner, const std::optional<Recorded>& recorded,
                const Progress& progress, Report& report) {
  Probe(target, manner, recorded, progress, report).run();
}

}  // namespace server::probe
