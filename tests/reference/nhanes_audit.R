# An audit of PhenoAge in NHANES by coxph, concordance, survfit, riskRegression and
# metafor: run `Rscript tests/reference/nhanes_audit.R nhanes.csv` from the root of the
# project. Writes tests/reference/nhanes_audit.json.
#
# nhanes.csv holds the columns time, status, phenoage0, age, gender, race and edu of the
# data set nhanes4, complete in all but edu, with a time of 0 replaced by 0.5; see
# `nhanes` in tests/survival/subgroup_audits/test_audit_nhanes.py.

source(file.path("tests", "reference", "cohorts.R"))
suppressMessages({
  library(metafor)
  library(riskRegression)
})

horizon <- 120
people <- read.csv(commandArgs(trailingOnly = TRUE)[1])
people$band <- cut(people$age, c(0, 40, 60, 75, Inf), labels = 1:4)
people$edu[is.na(people$edu)] <- 9
people$both <- 10 * people$gender + people$race
exact <- coxph.control(eps = 1e-13, toler.chol = 1e-15, iter.max = 60)

everyone <- coxph(Surv(time, status) ~ phenoage0 + age + gender, people, control = exact)
centre <- sum(coef(everyone) * everyone$means)
columns <- as.matrix(people[names(coef(everyone))])
people$lp <- as.vector(columns %*% coef(everyone)) - centre
steps <- basehaz(everyone, centered = TRUE)
hazard <- max(steps$hazard[steps$time <= horizon])
people$risk <- -expm1(-hazard * exp(people$lp))

# Every measure of some rows, the covariates those that vary in them.
measures <- function(rows) {
  formula <- Surv(time, status) ~ phenoage0 + age
  if (length(unique(rows$gender)) > 1) formula <- update(formula, . ~ . + gender)
  fit <- coxph(formula, rows, control = exact)
  marker <- concordance(Surv(time, status) ~ phenoage0, rows, reverse = TRUE)
  model <- concordance(Surv(time, status) ~ lp, rows, reverse = TRUE)
  curve <- summary(survfit(Surv(time, status) ~ 1, rows), times = horizon)
  until <- transform(
    rows, y = pmin(time, horizon), d = status * (time <= horizon), z = log(-log1p(-risk))
  )
  slope <- coxph(Surv(y, d) ~ z, until, control = exact)
  judged <- Score(
    list(risk = rows$risk), formula = Surv(time, status) ~ 1, data = rows,
    times = horizon, metrics = "brier", summary = "ipa", se.fit = FALSE, cens.model = "km"
  )
  score <- as.data.frame(judged$Brier$score)
  score <- score[score$model == "risk", ]
  list(
    n = nrow(rows), n_events = sum(rows$status),
    log_hr = coef(fit)[["phenoage0"]], log_hr_se = sqrt(vcov(fit)["phenoage0", "phenoage0"]),
    c_index = marker$concordance, c_index_se = sqrt(marker$var),
    model_c_index = model$concordance, model_c_index_se = sqrt(model$var),
    observed_expected = (1 - curve$surv) / mean(rows$risk),
    calibration_slope = coef(slope)[["z"]], calibration_slope_se = sqrt(vcov(slope)[1, 1]),
    brier = score$Brier, ipa = score$IPA
  )
}

case <- function(name, column) {
  parts <- split(people, people[[column]])
  found <- lapply(parts, measures)
  values <- function(what) sapply(found, function(one) one[[what]])
  q <- function(y, v) {
    fit <- rma(y, v, method = "DL")
    list(q = fit$QE, df = fit$k - fit$p, p = fit$QEp, i2 = fit$I2 / 100)
  }
  # Concordances on the scale of the logit, variances those of a sample of the events.
  q_logit <- function(what) {
    c <- values(what)
    d <- values("n_events")
    q(qlogis(c), values(paste0(what, "_se"))^2 / (c * (1 - c))^2 * d / (d - 1))
  }
  people$level <- factor(people[[column]])
  terms <- "phenoage0 + age + gender + level"
  smaller <- coxph(as.formula(paste("Surv(time, status) ~", terms)), people, control = exact)
  larger <- coxph(as.formula(paste("Surv(time, status) ~", terms, "+ phenoage0:level")),
                  people, control = exact)
  statistic <- 2 * (larger$loglik[2] - smaller$loglik[2])
  df <- length(parts) - 1
  list(
    name = name, data = "nhanes4", column = column, levels = unname(found),
    tests = list(log_hr = q(values("log_hr"), values("log_hr_se")^2),
                 c_index = q_logit("c_index"), model_c_index = q_logit("model_c_index")),
    interaction = list(q = statistic, df = df, p = pchisq(statistic, df, lower.tail = FALSE))
  )
}

people$all <- 1
alone <- list(name = "everyone", data = "nhanes4", column = "all",
              levels = list(measures(people)))
write_reference("nhanes_audit", list(
  alone, case("sex", "gender"), case("race", "race"), case("education", "edu"),
  case("age band", "band"), case("sex by race", "both")
))
