-- One region's values as published, and with weekday effect and holidays apart: two categories with a marked week.
SELECT category, observed_on, change_pct, adjusted_pct
FROM mobility_adjusted
WHERE region_id = $region AND category IN ('workplaces', 'retail_and_recreation')
ORDER BY category, observed_on;
